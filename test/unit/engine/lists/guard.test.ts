// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { formatAddress, parseAddress, parsePrefix } from '../../../../common/address.js';
import { fixture, judged, prefixes } from './fixture.js';

t.test('what would lock somebody out is refused, with the reason and the way out', async (t) => {
  const f = fixture({
    exemptions: [
      ['10.0.0.1', 'default gateway'],
      ['2001:db8::53', 'resolver'],
    ],
    configured: ['192.0.2.0/24'],
    sshPeer: '198.51.100.9',
  });
  t.teardown(f.close);
  const cases: Record<string, RegExp | undefined> = {
    '11.0.0.0/8': undefined,
    '11.0.0.0/7': /^10\.0\.0\.0\/7 is shorter than \/8, .* or say --force$/,
    '0.0.0.0/0': /^0\.0\.0\.0\/0 is shorter than \/8/,
    '2002::/16': undefined,
    '2002::/15': /^2002::\/15 is shorter than \/16/,
    '::/0': /^::\/0 covers all of IPv4/,
    '::/64': /^::\/64 covers all of IPv4 \(::ffff:0:0\/96\)/,
    '10.0.0.1': /^10\.0\.0\.1 is a built-in exemption \(default gateway\), .* say --force$/,
    '10.0.0.0/8': /^10\.0\.0\.0\/8 covers 10\.0\.0\.1, a built-in exemption \(default gateway\)/,
    '2001:db8::/64': /covers 2001:db8::53, a built-in exemption \(resolver\)/,
    '198.51.100.9': /is a built-in exemption \(peer of an SSH session\)/,
    '192.0.2.0/24': /^192\.0\.2\.0\/24 is on the allowlist and would still pass: .* say --force$/,
    '192.0.2.7': /^192\.0\.2\.7 lies in 192\.0\.2\.0\/24, on the allowlist/,
    '192.0.0.0/16': /^192\.0\.0\.0\/16 covers 192\.0\.2\.0\/24, on the allowlist/,
    '203.0.113.7': undefined,
  };
  for (const [text, pattern] of Object.entries(cases)) {
    const refusal = f.guard.refusal(parsePrefix(text));
    if (pattern) t.match(refusal, pattern, text);
    else t.equal(refusal, undefined, text);
  }
});

t.test(
  'a request is refused as a whole only if nothing of it is left; force wins and says so to the kernel',
  async (t) => {
    const f = fixture({ exemptions: [['10.0.0.1', 'default gateway']] });
    t.teardown(f.close);
    t.throws(() => f.blocklist.add({ prefixes: prefixes('10.0.0.1') }), {
      code: 'PREFIX_REFUSED',
      message: /10\.0\.0\.1 is a built-in exemption/,
      details: { outcomes: [{ prefix: '10.0.0.1', outcome: 'refused' }] },
    });
    t.match(f.blocklist.add({ prefixes: prefixes('10.0.0.1', '203.0.113.7') }), [
      { prefix: '10.0.0.1', outcome: 'refused', cause: /default gateway/ },
      { prefix: '203.0.113.7', outcome: 'added' },
    ]);
    t.equal(judged(f, '10.0.0.1'), false);
    t.equal(judged(f, '203.0.113.7'), true);
    f.blocklist.add({ prefixes: prefixes('10.0.0.0/24'), force: true });
    f.blocklist.add({ prefixes: prefixes('10.0.0.9') });
    for (const address of ['10.0.0.1', '10.0.0.9']) {
      t.ok(
        f.tables.blocklist.covering(parseAddress(address)).some((entry) => entry.forced),
        address,
      );
    }
  },
);

t.test('exemptions follow the host', async (t) => {
  const f = fixture({ exemptions: [['10.0.0.1', 'default gateway']] });
  t.teardown(f.close);
  t.equal(f.guard.refresh(), false);
  f.exemptions.current = [['10.0.0.2', 'default gateway']];
  t.equal(f.guard.refresh(), true);
  t.match(f.guard.refusal(parsePrefix('10.0.0.2')), /default gateway/);
  t.equal(f.guard.refusal(parsePrefix('10.0.0.1')), undefined);
  t.equal(f.tables.allowlist.size, 1);
});

t.test('the peer of an SSH session is exempt while its session lives', async (t) => {
  let alive = '198.51.100.9';
  const f = fixture({ established: (address) => formatAddress(address) === alive });
  t.teardown(f.close);
  f.guard.noteSession(undefined);
  t.throws(() => f.guard.noteSession('not an address'), { code: 'ADDRESS_INVALID' });
  f.guard.noteSession('198.51.100.9');
  t.match(f.guard.refusal(parsePrefix('198.51.100.9')), /peer of an SSH session/);
  f.clock.advance(3 * 3600);
  f.guard.refresh();
  t.ok(f.guard.refusal(parsePrefix('198.51.100.9')), 'its connection is still there');
  alive = '';
  f.clock.advance(3500);
  f.guard.refresh();
  t.ok(f.guard.refusal(parsePrefix('198.51.100.9')));
  f.clock.advance(200);
  f.guard.refresh();
  t.equal(f.guard.refusal(parsePrefix('198.51.100.9')), undefined);
});
