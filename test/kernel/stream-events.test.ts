// SPDX-License-Identifier: Apache-2.0
// stream-event: what a TCP packet is to its connection, through the real program.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { replayCaptures } from '../../engine/replay/replay.js';
import { streamConditions, streamFlags } from '../../rules/keywords/events.js';
import { pcap, type Timed } from '../helpers/pcap.js';
import { privileged } from '../helpers/privileged.js';
import { benchKernels } from './support/bench-pool.js';
import { TCP } from './support/frames.js';
import { Talk } from './support/talk.js';

const { ACK, FIN, RST, SYN } = TCP;
const names = [...streamConditions.keys(), ...streamFlags.keys()];

if (privileged(t)) {
  const folder = mkdtempSync(join(tmpdir(), 'ids-stream-events-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));

  /** Events that alerts are raised on, by the number of their packet. */
  const raised = (frames: readonly Uint8Array[]): string[] => {
    const capture = join(folder, 'capture.pcap');
    writeFileSync(capture, pcap(frames.map((frame, i): Timed => [i / 100, frame])));
    const found: string[] = [];
    replayCaptures({
      sources: [
        {
          file: 'test.rules',
          text: names.map((name, i) => `alert tcp any any -> any any (stream-event:${name}; sid:${i + 1};)`).join('\n'),
        },
      ],
      captures: [capture],
      redact: false,
      inline: false,
      kernels: benchKernels,
      onDetection: ({ kind, rule, pcapCnt }) => {
        if (kind === 'alert' && rule) found.push(`${pcapCnt} ${names[rule.sid - 1]}`);
      },
    });
    return found;
  };

  t.test('a sound connection raises none', async (t) => {
    const talk = new Talk();
    const frames = [
      ...talk.handshake(),
      talk.up({ payload: 'ping' }),
      talk.down({ payload: 'pong' }),
      talk.up(),
      talk.up({ seq: talk.next[0] - 1, payload: '' }),
      talk.fin('up'),
      talk.fin('down'),
      talk.up(),
    ];
    t.same(raised(frames), []);
  });

  t.test('without a connection', async (t) => {
    const [one, two, three] = [new Talk(), new Talk({ cport: 2 }), new Talk({ cport: 3 })];
    const frames = [one.rst('up'), two.fin('up'), two.fin('down'), three.syn({ ack: 7 })];
    t.same(raised(frames), [
      '1 rst_but_no_session',
      '2 fin_but_no_session',
      '3 fin_but_no_session',
      '4 pkt_broken_ack',
    ]);
  });

  t.test('in a handshake', async (t) => {
    const talk = new Talk();
    const syn = talk.syn();
    const frames = [
      syn,
      talk.up({ flags: SYN | ACK, seq: 5 }),
      talk.down({ flags: SYN | ACK, seq: 5, ack: 77 }),
      syn,
      talk.answer(),
      talk.up({ flags: SYN | ACK, seq: 5 }),
      talk.down({ flags: SYN | ACK, seq: 9000, ack: 77 }),
      talk.down({ flags: SYN, seq: 5, ack: 0 }),
      talk.up({ flags: SYN, seq: 5, ack: 0 }),
      syn,
      talk.up(),
    ];
    t.same(raised(frames), [
      '2 3whs_synack_in_wrong_direction',
      '3 3whs_synack_with_wrong_ack',
      '6 3whs_synack_toserver_on_syn_recv',
      '7 3whs_synack_resend_with_diff_ack',
      '8 3whs_syn_toclient_on_syn_recv',
      '9 3whs_syn_resend_diff_seq_on_syn_recv',
    ]);
  });

  t.test('in an established connection', async (t) => {
    const talk = new Talk();
    const hands = talk.handshake();
    const [syn, answer] = hands as [Uint8Array, Uint8Array];
    const frames = [
      ...hands,
      syn,
      talk.up({ flags: SYN, seq: 5, ack: 0 }),
      talk.down({ flags: SYN, seq: 5, ack: 0 }),
      answer,
      talk.down({ flags: SYN | ACK, seq: 5, ack: 1001 }),
      talk.down({ flags: SYN | ACK, seq: 9000, ack: 5 }),
      talk.up({ flags: SYN | ACK, seq: 5 }),
      talk.up({ flags: SYN | FIN, seq: 5, ack: 0 }),
      talk.rst('down', { seq: 5, payload: 'why' }),
    ];
    t.same(raised(frames), [
      '4 est_syn_resend',
      '5 est_syn_resend_diff_seq',
      '6 est_syn_toclient',
      '7 est_synack_resend',
      '8 est_synack_resend_with_diff_seq',
      '9 est_synack_resend_with_diff_ack',
      '10 est_synack_toserver',
      '11 fin_syn',
      '12 rst_with_data',
    ]);
  });

  t.test('data that comes again', async (t) => {
    const talk = new Talk();
    const hands = talk.handshake();
    const data = talk.up({ payload: 'first' });
    const acknowledged = talk.down();
    const more = talk.up({ payload: 'second' });
    const frames = [
      ...[...hands, data, data, acknowledged, data, more, talk.up({ seq: talk.next[0] - 1, payload: 'd' })],
      ...[talk.down(), data, talk.fin('up'), talk.fin('down'), more],
    ];
    t.same(raised(frames), [
      '7 pkt_spurious_retransmission',
      '11 est_pkt_before_last_ack',
      '11 pkt_spurious_retransmission',
      '14 pkt_spurious_retransmission',
      '14 pkt_retransmission',
    ]);
  });

  t.test('after a reset, and with other content', async (t) => {
    const talk = new Talk();
    const frames = [
      ...talk.handshake(),
      talk.up({ payload: 'GET / HTTP/1.1\r\nHost: h\r\n' }),
      talk.up({ seq: 1001, payload: 'PUT / HTTP/1.1\r\nHost: h\r\n' }),
      talk.down(),
      talk.rst('down', { flags: RST | ACK }),
      talk.rst('down', { flags: RST | ACK }),
      talk.down({ payload: 'yet' }),
      talk.down({ payload: 'more' }),
    ];
    const all = raised(frames);
    t.ok(all.includes('5 reassembly_overlap_different_data'), all.join());
    t.same(
      all.filter((one) => one.includes('inject')),
      ['9 suspected_rst_inject'],
    );
  });
}
