// SPDX-License-Identifier: Apache-2.0
// `ids rules test`: captures with rules and expectations beside them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { pcap } from '../helpers/pcap.js';
import { privileged } from '../helpers/privileged.js';
import { invoke } from '../unit/engine/cli/invoke.js';
import { tcp, TCP } from './support/frames.js';

const syn = { src: '192.0.2.7', dst: '10.0.0.1', sport: 40000, dport: 23, flags: TCP.SYN };
const rules = `drop tcp any any -> any 23 (msg:"telnet"; flags:S; sid:1;)
alert tcp any any -> any any (msg:"any"; flags:S; sid:2;)
`;

if (privileged(t)) {
  t.test('what is raised is compared with what is expected', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'ids-test-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const path = (name: string): string => join(folder, name);
    writeFileSync(
      path('a.pcap'),
      pcap([
        [0, tcp(syn)],
        [1, tcp({ ...syn, dport: 80 })],
      ]),
    );
    writeFileSync(path('a.rules'), rules);
    const test = async (expect: string, ...words: string[]): Promise<{ status: number; out: string; err: string }> => {
      writeFileSync(path('a.expect'), expect);
      return invoke(['rules', 'test', path('a.pcap'), ...words]);
    };
    t.match(await test('1 1 # telnet\n1:2 >=2\ndrops 1\nonly\n'), {
      status: 0,
      out: `ok   ${path('a.pcap')}\n1 passed, 0 failed\n`,
    });
    const wrong = await test('1 3\n2 <=1\n');
    t.match(wrong, { status: 1 });
    t.equal(
      wrong.out,
      `FAIL ${path('a.pcap')}\n     ${path('a.expect')}:1: 1:1: expected 3, saw 1\n` +
        `     ${path('a.expect')}:2: 1:2: expected <=1, saw 2\n0 passed, 1 failed\n`,
    );
    t.match((await test('1 1\nonly\n')).out, /1:2: expected nothing, saw 2/);
    t.match(await test('1 1\n  whatever\n'), {
      status: 2,
      err: /a\.expect:2:3: "whatever" is no expectation; write SID COUNT/,
    });
    t.match(await test('# nothing\n'), { status: 2, err: /nothing is expected/ });
    writeFileSync(path('other.rules'), 'alert tcp any any -> any 80 (sid:5;)\nalert tcp any any -> any (sid:6;)\n');
    t.match(await test('5 1\nonly\nrules other.rules\n'), { status: 1, out: /1 mistake in rules/ });
    const json = await test('5 1\n', '--rules', path('other.rules'), '--json');
    t.match(JSON.parse(json.out), [{ passed: false, errors: 1, differences: [] }]);
  });
}
