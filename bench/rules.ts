// SPDX-License-Identifier: Apache-2.0
// Synthetic rule sets: the mix of a real header rule set, none of which matches the packets of the benchmarks.

/** `count` header rules with ports, addresses, flags and thresholds; a few share ports and flags with the packet and are told apart by the rest. */
export function headerRules(count: number): string {
  return Array.from({ length: count }, (_, i) => headerRule(i)).join('\n');
}

function headerRule(i: number): string {
  const end = `(msg:"rule ${i}"; %s sid:${8_000_000 + i};)`;
  const rule = (head: string, options: string): string => `${head} ${end.replace('%s', options)}`;
  switch (i % 8) {
    case 0:
      return rule(`alert tcp any any -> $HOME_NET ${1 + (i % 1024)}`, 'flags:S,12;');
    case 1:
      return rule(`drop tcp [198.51.${i & 255}.0/24,100.64.${(i >> 3) & 255}.0/24] any -> any any`, '');
    case 2:
      return rule('alert tcp $EXTERNAL_NET any -> $HOME_NET 443', `flags:SF; window:${i};`);
    case 3:
      return rule(`alert udp any any -> any [${2000 + i},${5000 + i}:${5010 + i}]`, 'dsize:>100;');
    case 4:
      return rule('alert icmp any any -> $HOME_NET any', `itype:${i % 256}; icode:0;`);
    case 5:
      return rule(`drop tcp any ${10_000 + i} -> any !80`, 'flags:FPU;');
    case 6:
      return rule(
        'alert tcp any any -> $HOME_NET 443',
        `flags:S; detection_filter:track by_src, count 20, seconds 60; ttl:${i % 255};`,
      );
    default:
      return rule(
        `alert tcp $EXTERNAL_NET any -> $HOME_NET ${400 + ((i * 7) % 3000)}:${410 + ((i * 7) % 3000)}`,
        `flags:A; seq:${i};`,
      );
  }
}
