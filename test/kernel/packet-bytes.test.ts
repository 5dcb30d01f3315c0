// SPDX-License-Identifier: Apache-2.0
// Alerts that show the bytes of their packet: of those that were handed over whole, and if that is wanted.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { toEve, type Detection } from '../../alerts/index.js';
import { replayCaptures } from '../../engine/replay/replay.js';
import { pcap } from '../helpers/pcap.js';
import { privileged } from '../helpers/privileged.js';
import { benchKernels } from './support/bench-pool.js';
import { icmp, type IpPart } from './support/frames.js';

const ETHERNET = 14;
const there: IpPart = { src: '192.0.2.7', dst: '10.0.0.1' };
const six: IpPart = { src: '2001:db8::7', dst: '2001:db8::1' };
const rules = `
alert ip any any -> any any (msg:"needle"; content:"needle"; sid:1;)
alert icmp any any -> any any (msg:"kernel"; itype:8; sid:2;)`;

if (privileged(t)) {
  const folder = mkdtempSync(join(tmpdir(), 'ids-bytes-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));

  const replay = (frames: readonly Uint8Array[], packet: boolean): Detection[] => {
    const capture = join(folder, 'capture.pcap');
    writeFileSync(capture, pcap(frames.map((frame, i) => [i, frame])));
    const alerts: Detection[] = [];
    replayCaptures({
      sources: [{ file: 'test.rules', text: rules }],
      captures: [capture],
      redact: false,
      inline: false,
      kernels: benchKernels,
      shows: { headers: false, packet, rule: true },
      onDetection: (one) => void (one.kind === 'alert' && alerts.push(one)),
    });
    return alerts;
  };

  t.test('bytes of packets', async (t) => {
    const long = icmp({ ...there, payload: `needle ${'x'.repeat(3000)}` });
    const frames = [icmp({ ...there, payload: 'a needle' }), icmp({ ...six, payload: 'needle' }), long];
    const alerts = replay(frames, true);
    const whole = alerts.filter(({ rule }) => rule?.sid === 1);
    t.equal(whole.length, 3);
    whole.forEach((one, i) => {
      const { packet, packet_info: info } = toEve(one);
      const expected = Buffer.from(frames[i] ?? []).subarray(ETHERNET, ETHERNET + 2048);
      t.equal(packet, expected.toString('base64'));
      t.strictSame(info, { linktype: 12, linktype_name: 'RAW' });
    });
    const kernel = alerts.filter(({ rule }) => rule?.sid === 2);
    t.equal(kernel.length, 2);
    for (const one of kernel) t.notOk('packet' in toEve(one), 'the kernel hands over none of what it decides itself');
  });

  t.test('not unless it is wanted', async (t) => {
    const alerts = replay([icmp({ ...there, payload: 'needle' })], false);
    t.equal(alerts.length, 2);
    for (const one of alerts) t.notOk('packet' in toEve(one));
  });
}
