// SPDX-License-Identifier: Apache-2.0
// Archives are taken whole and within bounds, or not at all; what an operator's files make of their rules.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { buildSet, type FilterFiles, type SourceBytes } from '../../../../engine/updates/build-set.js';
import { tar } from './tar.js';

const MIB = 1024 * 1024;
const rule = (sid: number, more = ''): string =>
  `alert tcp any any -> any any (msg:"r${sid}"; ${more}sid:${sid}; rev:2;)`;
const source = (bytes: Uint8Array, more: Partial<SourceBytes> = {}): SourceBytes => ({
  name: 'et',
  bytes,
  maxBytes: MIB,
  ...more,
});
const built = (bytes: Uint8Array, filters: FilterFiles = {}): Record<string, string> =>
  Object.fromEntries(buildSet([source(bytes)], filters).files.map(({ file, text }) => [file, text]));

t.test('what a real tar makes, packed or not, and a file of rules', async (t) => {
  const folder = t.testdir({});
  const long = `${'very-'.repeat(30)}long.rules`;
  mkdirSync(join(folder, 'rules'));
  writeFileSync(join(folder, 'rules', 'a.rules'), rule(1));
  writeFileSync(join(folder, 'rules', long), rule(2));
  writeFileSync(join(folder, 'rules', 'classification.config'), 'config classification: x,X,2\n');
  writeFileSync(join(folder, 'rules', 'README'), 'no rules');
  const wanted = {
    'et/a.rules': rule(1),
    [`et/${long}`]: rule(2),
    'et/classification.config': 'config classification: x,X,2\n',
  };
  for (const format of ['gnu', 'pax', 'ustar']) {
    if (format === 'ustar') continue; // it knows no such names
    const bytes = execFileSync('tar', ['-C', folder, `--format=${format}`, '-cf', '-', 'rules']);
    t.same(built(bytes), wanted, format);
    t.same(built(gzipSync(bytes)), wanted, `${format}, packed`);
  }
  t.same(built(Buffer.from(rule(7))), { 'et/et.rules': rule(7) });
  t.same(built(gzipSync(Buffer.from(rule(7)))), { 'et/et.rules': rule(7) });
});

t.test('what is refused, whole', async (t) => {
  const fine = { path: 'a.rules', text: rule(1) };
  const refused = (bytes: Uint8Array, message: RegExp, more: Partial<SourceBytes> = {}): unknown =>
    t.throws(() => buildSet([source(bytes, more)], {}), { code: 'UPDATE_REFUSED', message });
  refused(tar([fine, { path: '../evil.rules', text: 'x' }]), /leads out of the archive/);
  refused(tar([fine, { path: '/etc/evil.rules', text: 'x' }]), /leads out of the archive/);
  refused(tar([fine, { path: 'a/../../evil.rules', text: 'x' }]), /leads out of the archive/);
  refused(
    tar([fine, { path: 'x', kind: 'x', text: '22 path=../../a.rules\n' }, { path: 'b.rules', text: 'x' }]),
    /leads out/,
  );
  refused(tar([{ path: 'README', text: 'x' }]), /holds no \*\.rules file/);
  refused(tar([fine]).subarray(0, 700), /cut off/);
  refused(tar([fine]).subarray(0, 1024), /its end is missing/);
  const damaged = tar([fine]);
  damaged[3] = 0x7a;
  refused(damaged, /damaged at byte 0/);
  refused(tar(Array.from({ length: 10_001 }, (_, i) => ({ path: `d${i}`, kind: '5' }))), /more than 10000 entries/);
  refused(tar([{ path: 'big.rules', text: 'x'.repeat(MIB + 1) }]), /more than 1048576 bytes/);
  refused(gzipSync(Buffer.alloc(8 * MIB)), /cannot be unpacked within 1048576 bytes/);
  refused(Buffer.from(rule(1)), /its sha256 is [0-9a-f]{64}, the configuration says 00/, {
    checksum: `sha256:${'00'.repeat(32)}`,
  });
  const md5 = createHash('md5').update(rule(1)).digest('hex');
  t.doesNotThrow(() => buildSet([source(Buffer.from(rule(1)), { checksum: `md5:${md5.toUpperCase()}` })], {}));
  const link = built(tar([fine, { path: 'link.rules', kind: '2' }]));
  t.same(Object.keys(link), ['et/a.rules'], 'links are passed over');
  t.same(Object.keys(built(tar([fine, { path: 'b/a.rules', text: rule(2) }]))), ['et/a.rules', 'et/2-a.rules']);
});

t.test('disable, enable, drop and modify, in this order', async (t) => {
  const file = (text: string): { file: string; text: string } => ({ file: 'x.conf', text });
  const text = [
    rule(1),
    `# ${rule(2)}`,
    rule(3, 'metadata:signature_severity Minor, x y; '),
    rule(4, 'noalert; '),
    rule(5, 'gid:7; '),
    '# a comment about alert tcp (sid:1;) things',
  ].join('\n');
  const archive = tar([{ path: 'rules/emerging-scan.rules', text }]);
  const lines = (filters: FilterFiles): string[] =>
    (built(archive, filters)['et/emerging-scan.rules'] ?? '').split('\n');
  t.same(lines({}), text.split('\n'), 'nothing is changed');
  const off = (select: string): number[] =>
    lines({ disable: file(`# why\n${select}\n`) }).flatMap((line, i) =>
      line.startsWith('# alert') && i !== 1 ? [i + 1] : [],
    );
  t.same(off('1'), [1]);
  t.same(off('1:1, 7:5'), [1, 5]);
  t.same(off('1:1:2'), [1]);
  t.same(off('1:1:3'), []);
  t.same(off('5'), [], 'of group 1');
  t.same(off('re:MSG:"R[34]"'), [3, 4]);
  t.same(off('group:emerging-scan'), [1, 3, 4, 5]);
  t.same(off('emerging-scan.rules'), [1, 3, 4, 5]);
  t.same(off('filename:emerging-s?an*'), [1, 3, 4, 5]);
  t.same(off('group:emerging-dos'), []);
  t.same(off('metadata: signature_severity minor'), [3]);
  t.same(off('*'), [1, 3, 4, 5]);
  t.equal(lines({ enable: file('2') })[1], rule(2));
  t.equal(lines({ disable: file('1'), enable: file('1') })[0], rule(1), 'what is enabled is enabled');
  t.same(
    lines({ drop: file('re:.') }).map((line) => line.slice(0, 5)),
    ['drop ', '# ale', 'drop ', 'alert', 'drop ', '# a c'],
  );
  t.equal(lines({ modify: file('1 "(msg:\\"r)(\\d)" "${1}x\\2 $1"') })[0], rule(1).replace('"r1', '"rx1 $1'));
  const modified = (change: string): string[] => lines({ modify: file(change) });
  const added = ' metadata: evebox-action archive it;)';
  t.equal(
    modified('metadata-add re:\'msg:"r3"\' "evebox-action" "archive it"')[2],
    rule(3, 'metadata:signature_severity Minor, x y; ').replace(/\)$/, added),
    'beside what is there',
  );
  t.same(
    modified('metadata-add * evebox-action "archive it" # why').map((line) => line.endsWith(added)),
    [true, true, true, true, true, false],
    'also in what is off',
  );
  t.equal(modified('metadata-add 1 deployment $1 # why')[0], rule(1).replace(/\)$/, ' metadata: deployment $1;)'));
  t.match(modified('metadata-add 1 tag own\n"metadata: tag own" r1 r9')[0], /"r9".*tag own;\)$/, 'in their order');
  t.equal(modified('re:"MSG:\\"r1" r1 r9')[0], rule(1).replace('r1', 'r9'), 'a quote in the midst of a word');
  t.same(off('1 # a reason'), [1], 'a comment behind it');
  const { counts } = buildSet([source(archive)], { disable: file('1'), enable: file('2'), drop: file('3') });
  t.same(counts, { rules: 4, disabled: 1, enabled: 1, dropping: 1, modified: 0 });
  for (const [name, bad, message] of [
    ['modify', 'metadata-add 1 key', 'x.conf:1:1: "key" "" is no metadata'],
    ['modify', 'metadata-add 1 key "a; sid:2"', 'x.conf:1:1: "key" "a; sid:2" is no metadata: a word and a value'],
    ['modify', 'metadata-add nonsense key value', 'x.conf:1:1: "metadata-add nonsense key value" selects no rules'],
    ['disable', 'nonsense', 'x.conf:1:1: "nonsense" selects no rules; write a sid'],
    ['disable', '1\n  re:(', 'x.conf:2:3: Invalid regular expression'],
    ['modify', '1 "a"', 'x.conf:1:1: "1 "a"" selects no rules; write MATCH "EXPRESSION" "REPLACEMENT"'],
  ] as const) {
    let told = '';
    try {
      buildSet([source(archive)], { [name]: file(bad) });
    } catch (error) {
      told = (error as Error).message;
    }
    t.equal(told.slice(0, message.length), message);
  }
});
