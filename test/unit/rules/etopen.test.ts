// SPDX-License-Identifier: Apache-2.0
// The Emerging Threats Open rule set: every active rule is understood. IDS_DATA names the folder that holds etopen/.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { compileParsed, formatProblem, parseClassifications, parseRules } from '../../../rules/index.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const folder = join(process.env['IDS_DATA'] ?? join(root, '../shared/data'), 'etopen');
const servers = 'HTTP SMTP SQL DNS TELNET AIM DC'.split(' ').map((name) => [`${name}_SERVERS`, '$HOME_NET'] as const);
const skip = existsSync(folder) ? false : `no rule set at ${folder}`;

t.test('no errors over active rules', { skip }, async (t) => {
  const read = (file: string) => ({ file, text: readFileSync(join(folder, file), 'utf8') });
  const sources = readdirSync(folder)
    .filter((file) => file.endsWith('.rules'))
    .map(read);
  const active = sources
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => /^(?:alert|drop|pass|reject)\s/.test(line));
  const { classifications, problems } = parseClassifications(read('classification.config'));
  t.same(problems, []);
  const started = performance.now();
  const found = parseRules(sources, {
    addressVars: {
      HOME_NET: '[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]',
      EXTERNAL_NET: '!$HOME_NET',
      ...Object.fromEntries(servers),
    },
    portVars: { HTTP_PORTS: '80', SHELLCODE_PORTS: '!80', ORACLE_PORTS: '1521', SSH_PORTS: '22', FTP_PORTS: '21' },
    redact: 'off',
    classifications,
  });
  const elapsed = Math.round(performance.now() - started);
  const wrong = found.problems.filter(({ severity }) => severity !== 'unsupported').map(formatProblem);
  t.same(wrong, []);
  t.equal(found.rules.length + found.unsupported.length, active.length);
  t.pass(`${active.length} active rules parsed in ${elapsed} ms`);
  const { summary } = compileParsed(found);
  const share = Math.round((1000 * summary.usable) / summary.rules) / 10;
  t.ok(share > 50, `${summary.usable} of ${summary.rules} usable, ${share} %`);
  t.comment(JSON.stringify(summary));
});
