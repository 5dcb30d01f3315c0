// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Limit, RuleLayout, RulesetFlag, RulesetLayout } from '../../../common/abi.gen.js';
import { compileRules, type Compilation, type RuleInfo } from '../../../rules/index.js';

function compile(...lines: string[]): Compilation {
  return compileRules([{ file: 'test.rules', text: lines.join('\n') }], {
    addressVars: { HOME_NET: '10.0.0.0/8' },
    portVars: {},
    redact: [],
  });
}

const bySid = (c: Compilation, sid: number): RuleInfo => {
  const info = c.rules.find((rule) => rule.sid === sid);
  if (!info) throw new Error(`no rule ${sid}`);
  return info;
};

const word = (c: Compilation, offset: number): number => new DataView(c.ruleset.blob.buffer).getUint32(offset, true);
const ruleField = (c: Compilation, position: number, field: number): number =>
  word(c, RulesetLayout.rule + position * RuleLayout.SIZE + field);

t.test('an empty set', async (t) => {
  const c = compile('');
  t.equal(c.ruleset.blob.length, RulesetLayout.SIZE);
  t.equal(c.ruleset.addresses.length, 0);
  t.equal(word(c, RulesetLayout.flags), 0);
  t.same(c.summary, { rules: 0, usable: 0, inline: 0, address: 0, engine: 0, unsupported: 0, errors: 0 });
});

t.test('placement', async (t) => {
  const c = compile(
    'alert tcp any any -> any 22 (msg:"a"; flags:S; sid:1;)',
    'alert http any any -> any any (msg:"b"; http.user_agent; content:"x"; sid:2;)',
    'alert http any any -> any any (msg:"c"; http.user_agent; content:"x"; ipopts:lsrr; sid:3;)',
    'alert tcp any any -> any any (msg:"d"; content:"raw"; sid:4;)',
    'alert tcp any any -> any any (msg:"e"; nonsense:1; sid:5;)',
    'alert http any any -> any any (msg:"f"; sid:6;)',
  );
  t.equal(bySid(c, 1).placement, 'inline');
  t.equal(bySid(c, 2).placement, 'engine');
  t.equal(bySid(c, 3).placement, 'unsupported');
  t.match(bySid(c, 3).reason, /ipopts/);
  t.match(bySid(c, 2), { needs: ['http-requests'], reason: 'judged by the engine on http.user_agent' });
  t.match(bySid(c, 4), { placement: 'engine', needs: ['payload-to-server', 'payload-to-client'], reason: /depth/ });
  t.match(bySid(c, 6), { placement: 'inline', reason: 'judged in the kernel on every packet of a flow of http' });
  t.same(c.summary, { rules: 6, usable: 4, inline: 2, address: 0, engine: 2, unsupported: 1, errors: 1 });
  t.same(bySid(c, 1).positions, [0]);
  t.same(bySid(c, 2).positions, []);
  t.ok(word(c, RulesetLayout.flags) & RulesetFlag.RULESET_HTTP, 'the kernel is told to hand over requests');
  t.doesNotThrow(() => structuredClone(c));
});

t.test('rank: action, priority, file order; both halves of a bidirectional rule stay together', async (t) => {
  const c = compile(
    'alert ip any any -> any any (msg:"a"; priority:1; sid:1;)',
    'drop ip any any -> any any (msg:"b"; priority:3; sid:2;)',
    'pass ip 10.0.0.1 any <> any any (msg:"c"; sid:3;)',
    'reject ip any any -> any any (msg:"d"; sid:4;)',
    'drop ip any any <> any any (msg:"e"; priority:2; sid:5;)',
    'drop ip any any -> any any (msg:"f"; priority:2; sid:6;)',
  );
  t.same([...c.ruleset.sids], [3, 3, 5, 6, 2, 4, 1], 'a symmetric rule needs no second half');
  t.same(bySid(c, 3).positions, [0, 1]);
});

t.test('an engine-placed pass does not hold back header rules, and both say so', async (t) => {
  const pass = 'pass http any any -> $HOME_NET 80 (msg:"p"; http.user_agent; content:"monitor"; sid:1;)';
  const c = compile(
    pass,
    'drop tcp any any -> $HOME_NET any (msg:"a"; ttl:<5; sid:2;)',
    'drop tcp any any -> $HOME_NET any (msg:"b"; flags:S; sid:3;)',
    'drop tcp any any -> $HOME_NET 443 (msg:"c"; sid:4;)',
    'drop tcp any any -> 192.0.2.1 80 (msg:"d"; sid:5;)',
    'drop udp any any -> $HOME_NET 80 (msg:"e"; sid:6;)',
    'alert icmp any any -> $HOME_NET any (msg:"f"; itype:8; sid:7;)',
    'drop tcp any any -> $HOME_NET 80 (msg:"g"; dsize:0; sid:8;)',
    'drop tcp 10.0.0.1 80 <> any any (msg:"h"; sid:9;)',
  );
  const late = c.rules
    .filter((rule) => rule.placement === 'inline' && rule.reason !== undefined)
    .map((rule) => rule.sid);
  t.same(late, [2, 9], 'only those that can match the packet of such a request');
  t.ok(c.rules.every((rule) => rule.sid === 1 || rule.placement === 'inline'));
  const [problem] = c.problems;
  t.match(problem, { severity: 'warning', sid: 1, line: 1, cause: /2 header rule/ });
  t.equal(c.problems.length, 1);
  t.same(compile('drop tcp any any -> any any (msg:"a"; sid:2;)').problems, []);
});

t.test('what does not fit is refused whole and by name', async (t) => {
  const many = Array.from(
    { length: Limit.MAX_RULES + 2 },
    (_, i) => `alert ip any any -> any any (msg:"m"; sid:${i + 1};)`,
  );
  const full = compile(...many);
  t.equal(full.ruleset.count, Limit.MAX_RULES);
  t.equal(full.summary.unsupported, 2);
  t.same(
    full.problems.map((problem) => problem.sid),
    [Limit.MAX_RULES + 1, Limit.MAX_RULES + 2],
  );
  t.match(full.problems[0], { severity: 'unsupported', line: Limit.MAX_RULES + 1, cause: /no room/ });

  const pairs = compile(...many.slice(0, Limit.MAX_RULES - 1), 'alert ip 10.0.0.1 any <> any any (msg:"m"; sid:9999;)');
  t.equal(bySid(pairs, 9999).placement, 'unsupported', 'half of a bidirectional rule is none');
  t.equal(pairs.ruleset.count, Limit.MAX_RULES - 1);

  const wide = Array.from({ length: 2000 }, (_, i) => {
    const [low, high] = [1000 + i, 2000 + 3 * i];
    return `alert tcp any ${low}:${high} -> 10.0.0.1-10.${i >> 8}.${i & 255}.9 ${low}: (msg:"m"; sid:${i + 1};)`;
  });
  const tight = compile(...wide);
  t.ok(tight.summary.unsupported > 0 && tight.summary.usable > 900, `${tight.summary.usable} of ${wide.length} fit`);
  t.match(tight.problems[0], { severity: 'unsupported', cause: /different combinations/ });
  t.equal(bySid(tight, 1).placement, 'inline');

  const conditions = Array.from({ length: Limit.RULE_CONDS + 1 }, (_, i) => `ttl:!${i + 1};`).join(' ');
  const long = compile(`alert ip any any -> any any (msg:"m"; ${conditions} sid:1;)`);
  t.match(bySid(long, 1), { placement: 'unsupported', reason: /conditions/ });
});

t.test('threshold fields', async (t) => {
  const scan = (sid: number, count: number): string =>
    `alert tcp any any -> any any (msg:"m"; flags:S; detection_filter:track by_src, count ${count}, seconds 60, unique_on dst_port; sid:${sid};)`;
  const one = compile(scan(1, 20));
  t.equal(ruleField(one, 0, RuleLayout.setSize), 64, 'twice the count, a power of two');
  t.equal(ruleField(one, 0, RuleLayout.setFirst), Limit.COMMON_BUCKETS, 'behind the common region');
  t.ok(ruleField(one, 0, RuleLayout.setBuckets) >= 64);
  const key = ruleField(one, 0, RuleLayout.key);
  t.not(key, 0);

  const two = compile(scan(1, 20), scan(2, 20));
  t.equal(ruleField(two, 0, RuleLayout.key), key, 'the same rule keeps its key');
  t.equal(ruleField(two, 0, RuleLayout.setBase), ruleField(one, 0, RuleLayout.setBase), 'and its place');
  t.not(ruleField(two, 1, RuleLayout.key), key);
  t.not(ruleField(compile(scan(1, 21)), 0, RuleLayout.key), key, 'another threshold is another state');

  const rules = Array.from({ length: 200 }, (_, i) => scan(i + 1, 10 + 5 * (i % 40)));
  const full = compile(...rules);
  t.equal(full.summary.usable, 200);
  const regions = rules.map((_, at) => ({
    base: ruleField(full, at, RuleLayout.setBase),
    cells: ruleField(full, at, RuleLayout.setBuckets) * Limit.BUCKET_WAYS * ruleField(full, at, RuleLayout.setSize),
    first: ruleField(full, at, RuleLayout.setFirst),
    buckets: ruleField(full, at, RuleLayout.setBuckets),
  }));
  let [cell, bucket] = [0, Limit.COMMON_BUCKETS as number];
  for (const region of regions.sort((a, b) => a.base - b.base)) {
    if (region.base !== cell || region.first !== bucket || region.buckets < 1)
      t.fail('regions overlap or leave holes', region);
    cell += region.cells;
    bucket += region.buckets;
  }
  t.ok(cell <= Limit.MAX_CELLS && bucket <= Limit.MAX_BUCKETS, `${cell} cells, ${bucket} buckets`);

  const huge = compile(scan(1, 20), scan(2, 60000), scan(3, 60000), scan(4, 20));
  t.match(
    bySid(huge, 3),
    { placement: 'unsupported', reason: /unique_on/ },
    'two such sets do not fit beside each other',
  );
  t.equal(bySid(huge, 1).placement, 'inline');
});
