// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import t from 'tap';
import type { Detection, DetectionRule } from '../../../../alerts/index.js';
import { formatAddress } from '../../../../common/address.js';
import { loadConfig } from '../../../../engine/config/index.js';
import { Responder } from '../../../../engine/response/index.js';
import { fixture, judged, prefixes, type FixtureOptions } from '../lists/fixture.js';

const yaml = `
response:
  rules:
    - match: { sid: 5 }
      block: 1h
      trust: unproven
    - match: { classtype: [attempted-recon], action: drop }
      block: 10m
      escalate: { factor: 3, max: 1h, memory: 1h }
    - match: { min_severity: 2 }
      block: 5m
`;

function detection(over: Partial<Detection> = {}, rule: Partial<DetectionRule> = {}): Detection {
  return {
    kind: 'alert',
    timeUs: 0,
    src: '198.51.100.9',
    dst: '192.0.2.1',
    proto: 'TCP',
    ipVersion: 4,
    packet: { frameLen: 60, len: 40, ttl: 64, tos: 0, ipId: 0, payloadLen: 0 },
    verdict: 'drop',
    would: false,
    reason: 'rule-drop',
    generation: 1,
    rule: {
      gid: 1,
      sid: 9,
      rev: 1,
      msg: 'a scan',
      category: '',
      classtype: 'attempted-recon',
      severity: 3,
      action: 'blocked',
      metadata: {},
      references: [],
      ...rule,
    },
    ...over,
  };
}

function setup(options: FixtureOptions & { unproven?: string; mode?: 'prevent' | 'monitor'; open?: string[] } = {}) {
  const f = fixture(options);
  const { response: config } = loadConfig(`${yaml}  unproven: ${options.unproven ?? '{}'}\n`, 'x');
  const responder = new Responder({
    config,
    mode: options.mode ?? 'prevent',
    blocklist: f.blocklist,
    allowlist: f.allowlist,
    established: { has: (address) => (options.open ?? []).includes(formatAddress(address)) },
    clock: f.clock,
  });
  return { ...f, responder };
}

const proven = { established: true };
const unproven = { established: false };

t.test('a proven source is blocked for as long as the first matching entry says', async (t) => {
  const s = setup();
  t.teardown(s.close);
  t.match(s.responder.onDetection(detection(), proven), {
    kind: 'block',
    address: '198.51.100.9',
    origin: 'rule:9',
    seconds: 600,
    trust: 'proven',
    repeats: 0,
    would: false,
  });
  t.equal(judged(s, '198.51.100.9'), true);
  t.match(s.blocklist.list(), [{ origin: 'rule:9', reason: 'a scan (proven)' }]);
  t.match(s.responder.onDetection(detection({ src: '198.51.100.10' }, { classtype: 'x', severity: 2 }), proven), {
    seconds: 300,
  });
  t.match(s.responder.onDetection(detection({ src: '198.51.100.11' }, { severity: 3, classtype: 'x' }), proven), {
    kind: 'none',
  });
  t.match(
    s.responder.onDetection(detection({ verdict: 'pass' }, { action: 'allowed' }), proven),
    { kind: 'none' },
    'not a drop',
  );
  t.match(s.responder.onDetection(detection(), proven), { kind: 'withheld', reason: 'already-blocked' });
  t.same(s.responder.counts(), { blocked: 2, 'withheld already-blocked': 1, 'unproven in force': 0 });
});

t.test('a rule that names its source as the victim blocks the other end', async (t) => {
  const s = setup();
  t.teardown(s.close);
  s.responder.onDetection(detection({ src: '192.0.2.1', dst: '203.0.113.5' }, { target: 'src_ip' }), proven);
  t.equal(judged(s, '203.0.113.5'), true);
  t.equal(judged(s, '192.0.2.1'), false);
});

t.test('one forged packet blocks nobody', async (t) => {
  const s = setup();
  t.teardown(s.close);
  t.match(s.responder.onDetection(detection(), unproven), { kind: 'withheld', reason: 'unproven' });
  t.equal(judged(s, '198.51.100.9'), false);
});

t.test(
  'unproven sources, where the configuration lets them be blocked: minutes, a cap, never a peer of ours',
  async (t) => {
    const s = setup({ unproven: '{ ttl: 2m, max: 2 }', open: ['198.51.100.20'] });
    t.teardown(s.close);
    const from = (src: string) => s.responder.onDetection(detection({ src }), unproven);
    t.match(from('198.51.100.1'), { kind: 'block', seconds: 120, trust: 'unproven' });
    t.match(from('198.51.100.20'), { reason: 'established' });
    s.responder.noteProven('198.51.100.21');
    t.match(from('198.51.100.21'), { reason: 'recently-proven' });
    t.match(from('198.51.100.2'), { kind: 'block' });
    t.match(from('198.51.100.3'), { reason: 'unproven-cap' });
    t.equal(s.responder.counts()['unproven in force'], 2);
    t.match(
      s.responder.onDetection(detection({ src: '198.51.100.2' }), proven),
      { kind: 'block', seconds: 600, trust: 'proven' },
      'proof prolongs',
    );
    s.clock.advance(120);
    t.equal(judged(s, '198.51.100.1'), false);
    t.equal(judged(s, '198.51.100.2'), true);
    t.match(from('198.51.100.3'), { kind: 'block' });
    s.clock.advance(600);
    t.match(from('198.51.100.21'), { kind: 'block' }, 'the memory of a proof ends');
  },
);

t.test('a rule that says trust: unproven takes the packet’s word, but not over the lists', async (t) => {
  const s = setup({
    open: ['198.51.100.9'],
    exemptions: [['192.0.2.254', 'default gateway']],
    configured: ['203.0.113.0/24'],
  });
  t.teardown(s.close);
  const from = (src: string) => s.responder.onDetection(detection({ src }, { sid: 5 }), unproven);
  t.match(from('198.51.100.9'), { kind: 'block', seconds: 3600, trust: 'unproven' });
  t.match(from('192.0.2.254'), { reason: 'exempt' });
  t.match(from('203.0.113.7'), { reason: 'allowlisted' });
  for (const src of ['', '0.0.0.0', '255.255.255.255', '224.0.0.1', 'ff02::1', '::'])
    t.match(from(src), { reason: 'not-unicast' }, src);
});

t.test('repeat offenders stay longer, up to the limit, and a restart does not forget them', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  let s = setup({ file });
  const seconds: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    const decision = s.responder.onDetection(detection(), proven);
    seconds.push(decision.kind === 'block' ? decision.seconds : decision);
    s.clock.advance(3700);
    s.blocklist.sweep();
    const { clock, tables } = s;
    s.close();
    s = setup({ file, clock, tables });
  }
  t.same(seconds, [600, 1800, 3600]);
  t.match(s.responder.onDetection(detection({ src: '198.51.100.10' }), proven), { seconds: 600, repeats: 0 });
  s.clock.advance(3600 + 3600);
  t.match(
    s.responder.onDetection(detection(), proven),
    { seconds: 600 },
    'an hour beyond its end a block is forgotten',
  );
  s.close();
});

t.test('monitor mode computes and counts, and blocks nobody', async (t) => {
  const s = setup({ mode: 'monitor' });
  t.teardown(s.close);
  t.match(s.responder.onDetection(detection({ would: true }), proven), { kind: 'block', would: true, seconds: 600 });
  t.match(s.responder.onDetection(detection({ would: true }), proven), { reason: 'already-blocked' });
  t.equal(judged(s, '198.51.100.9'), false);
  t.equal(s.blocklist.size, 0);
  s.clock.advance(600);
  t.match(s.responder.onDetection(detection({ would: true }), proven), { kind: 'block', would: true, seconds: 1800 });
  t.match(s.responder.counts(), { 'would-block': 2, 'withheld already-blocked': 1 });
});

t.test('a full list is a counted reason, not a failure', async (t) => {
  const s = setup({ capacity: { capacity4: 2, capacity6: 2 } });
  t.teardown(s.close);
  const { capacity4 } = s.tables.blocklist;
  s.blocklist.add({ prefixes: prefixes(...Array.from({ length: capacity4 }, (_, i) => `203.0.113.${i}`)) });
  t.match(s.responder.onDetection(detection(), proven), { kind: 'withheld', reason: 'list-full' });
});
