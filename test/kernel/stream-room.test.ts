// SPDX-License-Identifier: Apache-2.0
// Segments that cannot wait to be judged: where a rule of the kernel could match they are dropped and come again, else
// they pass, and what is missing is flagged and counted. Windows that nobody asks for are taken away.

import t from 'tap';
import { EventType, FlowFlag, L7Flag, L7Setting } from '../../common/abi.gen.js';
import { FlowMemory } from '../../engine/bpf/index.js';
import { FlowTable } from '../../engine/flows/flow-table.js';
import { parsePrefix } from '../../common/address.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { Conversation } from './support/conversation.js';
import { install, structure } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Rig, type Seen } from './support/rig.js';
import { allow, setFlags } from './support/rules.js';

const when = { skip: whyUnprivileged() ?? false };
const WINDOWS = 8;
const LOGGED = L7Setting.L7_HTTP | L7Setting.L7_LOG_HTTP;
const evil = 'GET /evil HTTP/1.1\r\nHost: a\r\nUser-Agent: evil\r\n\r\n';
const good = evil.replaceAll('evil', 'good');

function openRig(t: Parameters<typeof Rig.open>[0], replay: boolean): Rig {
  const sizes = { ids_events: 65536, ids_bulk: 1 << 20, ids_windows: WINDOWS, ids_window_sets: 1 };
  const rig = Rig.open(t, { replay, sizes });
  rig.kernel.writeStructure(structure());
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_FLOW_DROPS');
  install(rig, 'drop http any any -> any 80 (msg:"x"; http.user_agent; content:"evil"; sid:1; rev:1;)');
  setLayer7(rig, LOGGED | L7Setting.L7_HOLD);
  return rig;
}

let port = 30_000;

/** A connection whose client sends bytes at any place. */
class Client {
  readonly #rig: Rig;
  readonly talk: Conversation;
  readonly port = ++port;

  constructor(rig: Rig, dport = 80) {
    this.#rig = rig;
    this.talk = Conversation.open(rig, { sport: this.port, dport });
    rig.settle();
  }

  send(at: number, text: string): Seen {
    return this.#rig.send(this.talk.frame(0, { at, payload: Buffer.from(text) }));
  }

  /** The part of `text` from `at` to `to`, at its place. */
  part(text: string, at: number, to?: number): Seen {
    return this.send(at, text.slice(at, to));
  }
}

/** The verdict, the reason, then alerts, conflicts, and the numbers of the sections that were handed over. */
function told({ verdict, reasons, events, http }: Seen): string {
  const name = ['aborted', 'drop', 'pass', 'tx'][verdict] ?? String(verdict);
  const kinds = events.map(({ type, rule }) =>
    type === EventType.EVENT_ALERT ? 'alert' : rule === L7Flag.L7_CONFLICT ? 'conflict' : `event ${rule}`,
  );
  return [name, ...Object.keys(reasons), ...kinds, ...http.map(({ record }) => `#${record.message}`)].join(' ');
}

const HELD = 'drop HELD';
const PASS = 'pass CLEAN';
const DROPPED = 'drop RULE_DROP alert #1';

/** Connections that take every window, each with a hole in front of what waits; asked again, they keep them. */
function takeAll(rig: Rig): { clients: Client[]; keep: () => void } {
  const clients = Array.from({ length: WINDOWS }, () => new Client(rig));
  const keep = (): void => {
    for (const client of clients) client.part(good, 20);
    rig.settle();
  };
  keep();
  return { clients, keep };
}

if (when.skip === false) {
  const rig = openRig(t, false);
  const views = FlowMemory.open(rig.kernel.flowHandle());
  t.teardown(() => views.close());
  const { FLOW_DROPPED, FLOW_WITHHELD } = FlowFlag;
  const flagsOf = (client: Client): number =>
    ([...new FlowTable(views).flows()].find(({ clientPort }) => clientPort === client.port)?.flags ?? -1) &
    (FLOW_DROPPED | FLOW_WITHHELD);

  t.test('with every window in use', async (t) => {
    const { clients, keep } = takeAll(rig);
    const late = new Client(rig);
    const held = late.part(evil, 20);
    t.equal(told(held), HELD, 'a segment out of order');
    t.strictSame(held.stats, { SEGMENTS_LOST: 1, WINDOWS_FULL: 1 });
    keep();
    t.equal(told(late.part(evil, 20)), HELD, 'as often as it comes');
    t.equal(told(late.part(evil, 0, 20)), HELD, 'and the beginning of a section whose rest is missing');
    t.equal(told(late.send(0, good)), `${PASS} #1`, 'what is whole needs none');
    t.equal(flagsOf(late), 0, 'and the flow goes on');
    const again = new Client(rig);
    keep();
    t.equal(told(again.part(evil, 20)), HELD);
    t.equal(told(clients[0]!.part(good, 0, 20)), `${PASS} #1`, 'another one has what it waited for');
    t.strictSame(
      [told(again.part(evil, 0, 20)), told(again.part(evil, 20))],
      [PASS, DROPPED],
      'sent again, it is judged',
    );
    t.equal(flagsOf(again), FLOW_DROPPED);
    clients[0] = new Client(rig);
    keep();
    const other = new Client(rig, 81);
    const passed = other.part(evil, 20);
    t.equal(told(passed), PASS, 'where no rule could match');
    t.strictSame(passed.stats, { SEGMENTS_LOST: 1, WINDOWS_FULL: 1, SECTIONS_WITHHELD: 1 });
    t.equal(flagsOf(other), FLOW_WITHHELD);
    const spared = (): void => void rig.kernel.allowlist.delete(parsePrefix('192.0.2.1/32'));
    const passing: Record<string, [on: () => void, off: () => void]> = {
      'monitor mode': [
        () => setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_MONITOR'),
        () => setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_FLOW_DROPS'),
      ],
      'no rule is inline': [() => setLayer7(rig, LOGGED), () => setLayer7(rig, LOGGED | L7Setting.L7_HOLD)],
      'a source that is never dropped': [() => allow(rig, '192.0.2.1/32', 'ALLOW_OPERATOR'), spared],
    };
    for (const [name, [on, off]] of Object.entries(passing)) {
      keep();
      on();
      const seen = new Client(rig).part(evil, 20);
      t.equal(told(seen), PASS, name);
      t.strictSame(seen.stats, { SEGMENTS_LOST: 1, WINDOWS_FULL: 1, SECTIONS_WITHHELD: 1 }, name);
      off();
    }
    for (const client of clients) client.part(good, 0, 20);
  });

  t.test('with no room in its window', async (t) => {
    const pieces = new Client(rig);
    for (let n = 1; n <= 8; n++) t.equal(told(pieces.part(evil, n * 3, n * 3 + 1)), PASS);
    t.equal(told(pieces.part(good, 30)), HELD, 'one piece too many');
    t.equal(told(pieces.part(evil, 25)), PASS, 'one that touches another is none');
    t.equal(told(pieces.part(evil, 0, 25)), DROPPED, 'and what was dropped does not count');

    const filler = (agent: string): string =>
      `GET / HTTP/1.1\r\nX: ${'x'.repeat(16_300)}\r\nUser-Agent: ${agent}\r\n\r\n`;
    const long = new Client(rig);
    t.equal(told(long.part(filler('good'), 1000, 16_000)), PASS);
    t.equal(
      told(long.part(filler('good').padEnd(17_000), 16_000)),
      HELD,
      'it goes on behind what is kept of a section',
    );
    t.equal(told(long.part(filler('evil'), 16_000)), PASS);
    t.equal(told(long.part(filler('evil'), 0, 1000)), DROPPED, 'nothing of what was dropped was kept');
  });

  t.test('a window that nobody asks for is taken by the next', async (t) => {
    const rig = openRig(t, true);
    const { clients } = takeAll(rig);
    t.equal(told(new Client(rig).part(evil, 20)), PASS, 'in replay nothing is dropped');
    rig.advance(1.9);
    t.match(new Client(rig).part(evil, 20).stats, { WINDOWS_FULL: 1 });
    rig.advance(0.2);
    const next = new Client(rig);
    t.strictSame(next.part(evil, 20).stats, { SEGMENTS_WAITED: 1 });
    t.equal(told(next.part(evil, 0, 20)), DROPPED, 'it has found room');
    for (let n = 0; n < WINDOWS; n++) new Client(rig).part(evil, 20);
    const [first] = clients as [Client];
    rig.advance(0.1);
    const lost = first.part(good, 30);
    t.equal(told(lost), PASS);
    t.strictSame(
      lost.stats,
      { WINDOWS_FULL: 1, SEGMENTS_LOST: 1, SECTIONS_WITHHELD: 1 },
      'whose it was goes on without',
    );
    t.equal(told(first.send(good.length, good)), `${PASS} #1`);
  });
}
