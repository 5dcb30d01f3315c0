// SPDX-License-Identifier: Apache-2.0
// Damaged configurations: a configuration or CONFIG_INVALID with a position, never anything else. IDS_FUZZ sets how many.
import t from 'tap';
import { IdsError } from '../../../../common/errors.js';
import { loadConfig } from '../../../../engine/config/index.js';
import { seededRandom } from '../../../helpers/random-section.js';

const ROUNDS = Math.min(Number(process.env['IDS_FUZZ'] ?? 600), 20_000);

const seed = `interfaces: [eth0, { name: eth1, mode: generic }]
mode: monitor
home_net: [10.0.0.0/8, "2001:db8::/32"]
rules: [/etc/ids/rules]
vars: { address: { DNS: "[10.0.0.1,10.0.0.2]" }, port: { WEB: [80, 443] } }
response:
  rules:
    - match: { sid: 9000001 }
      block: 1h
      escalate: { factor: 2, max: 7d }
  unproven: { ttl: 2m, max: 10 }
allowlist: [192.0.2.0/24]
outputs:
  - { type: file, path: /tmp/eve.json }
  - { type: syslog, host: 127.0.0.1, port: 514, transport: tcp }
  - { type: webhook, url: "http://127.0.0.1/", secret: { env: KEY } }
redact: { headers: [Authorization] }
events: { source_rate: 10 }
log: { level: info, format: json }
`;

t.test('damaged configurations', async (t) => {
  const random = seededRandom(7);
  const below = (bound: number): number => Math.floor(random() * bound);
  const pieces = [
    '\t',
    '\n',
    ':',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a ',
    '*a',
    '!!binary ',
    '0',
    '-1',
    'null',
    '\0',
    '\u{1f600}',
    '<<: ',
    '#',
  ];
  let refused = 0;
  for (let i = 0; i < ROUNDS; i++) {
    let text = seed;
    for (let n = 1 + below(4); n > 0; n--) {
      const at = below(text.length);
      const piece = pieces[below(pieces.length)] ?? '';
      text = text.slice(0, at) + (below(2) === 0 ? piece : '') + text.slice(at + below(12));
    }
    try {
      loadConfig(text, 'ids.yaml');
    } catch (error) {
      refused++;
      if (
        !(error instanceof IdsError) ||
        error.code !== 'CONFIG_INVALID' ||
        !/^ids\.yaml:\d+:\d+: /.test(error.message)
      ) {
        t.fail('another error', { error, text });
      }
    }
  }
  t.ok(refused > ROUNDS / 3 && refused < ROUNDS, `${refused} of ${ROUNDS} were refused`);
});
