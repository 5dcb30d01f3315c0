// SPDX-License-Identifier: Apache-2.0
// Real captures, where they are there: what every flow of them speaks and says, as a reader of its own finds it, is what
// the engine recognises and logs.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { replayCaptures } from '../../engine/replay/replay.js';
import { capturedFlows, type CapturedFlow } from '../helpers/capture-flows.js';
import { capturedSegments, withPort } from '../helpers/capture-packets.js';
import { speechOf, type Speech } from '../helpers/capture-speech.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { temporaryFolder } from './support/daemon.js';

const cases = join(process.env['IDS_CONFORMANCE'] ?? join(process.cwd(), '../shared/data/conformance'), 'cases');
const classes = ['http', 'dns', 'tls', 'ips-drop', 'flowbits', 'payload'];
const absent = existsSync(cases) ? false : `there is no ${cases}: the captures are not part of the project`;
const skip = whyUnprivileged() ?? absent;

interface Line {
  readonly event_type: string;
  readonly src_ip: string;
  readonly src_port?: number;
  readonly dest_ip: string;
  readonly dest_port?: number;
  readonly proto: string;
  readonly app_proto?: string;
  readonly http?: { readonly http_method?: string; readonly url?: string };
  readonly dns?: { readonly type: string };
}

/** What the engine logs of captures without any rule. */
function logged(captures: readonly string[]): Line[] {
  const lines: Line[] = [];
  replayCaptures({
    sources: [],
    captures,
    redact: false,
    inline: false,
    midstream: true,
    logs: ['http', 'tls', 'dns', 'flow'],
    onLines: ({ bytes, release }) => {
      for (const line of Buffer.from(bytes).toString().split('\n')) if (line) lines.push(JSON.parse(line) as Line);
      release?.();
    },
  });
  return lines;
}

/** An IPv6 address as its eight groups; one that is mapped from IPv4 is shown as that. */
function whole(address: string): string {
  if (!address.includes(':')) return address;
  const [front = '', back] = address.split('::');
  const groups = (part: string): string[] => (part ? part.split(':') : []);
  const zeros = back === undefined ? 0 : 8 - groups(front).length - groups(back).length;
  const all = [...groups(front), ...Array.from({ length: zeros }, () => '0'), ...groups(back ?? '')];
  const text = all.map((group) => parseInt(group, 16).toString(16)).join(':');
  const [, high, low] = /^(?:0:){5}ffff:(.+):(.+)$/.exec(text) ?? [];
  if (high === undefined || low === undefined) return text;
  return [high, low].flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 255]).join('.');
}

const keyOf = (proto: string, ...ends: readonly [string, number][]): string =>
  [proto, ...ends.map(([address, port]) => `${whole(address)} ${port}`).sort()].join(' ');
const keyOfLine = ({ proto, src_ip: src, src_port: sport = 0, dest_ip: dst, dest_port: dport = 0 }: Line): string =>
  keyOf(proto, [src, sport], [dst, dport]);
const keyOfFlow = ({ proto, client, server }: CapturedFlow): string =>
  keyOf(proto, [client.address, client.port], [server.address, server.port]);

/** Everything that is said under one pair of addresses and ports. */
interface Told {
  readonly apps: readonly string[];
  readonly said: readonly string[];
}

const judged = new Set(['http', 'http2', 'tls', 'dns']);
const appOf = ({ app_proto: app = 'other' }: Line): string => (judged.has(app) ? app : 'other');

function toldBy(lines: readonly Line[]): Told {
  return {
    apps: [...new Set(lines.filter(({ event_type: type }) => type === 'flow').map(appOf))].sort(),
    said: lines
      .flatMap(({ http, dns }) => (http ? [`${http.http_method ?? '-'} ${http.url ?? '-'}`] : dns ? [dns.type] : []))
      .sort(),
  };
}

function toldOf(speeches: readonly Speech[]): Told {
  return {
    apps: [...new Set(speeches.map(({ app }) => app))].sort(),
    said: speeches.flatMap(({ said }) => said).sort(),
  };
}

interface Capture {
  readonly name: string;
  readonly group: string;
  readonly path: string;
  readonly flows: readonly CapturedFlow[];
}

/** The same capture from or to a port that no other has, where all of it is one TCP connection. */
function moved(capture: Capture, folder: string, port: number): Capture {
  const [flow] = capture.flows;
  if (!flow || new Set(capture.flows.map(keyOfFlow)).size > 1) return capture;
  // The higher one: what is spoken on the other may be known.
  const file = withPort(readFileSync(capture.path), Math.max(flow.client.port, flow.server.port), port);
  if (!file) return capture;
  const path = join(folder, `${port}.pcap`);
  writeFileSync(path, file);
  return { ...capture, path, flows: capturedFlows(capturedSegments(file) ?? []) };
}

/** Each different capture of these classes, with ends of its own where that can be. */
function readCaptures(folder: string): Capture[] {
  const seen = new Set<string>();
  const taken = new Set<string>();
  let port = 20_000;
  return readdirSync(cases).flatMap((name) => {
    const { class: group } = JSON.parse(readFileSync(join(cases, name, 'expected.json'), 'utf8')) as { class: string };
    const path = join(cases, name, 'input.pcap');
    const file = readFileSync(path);
    const digest = createHash('sha256').update(file).digest('hex');
    if (!classes.includes(group) || seen.has(digest)) return [];
    seen.add(digest);
    const capture = { name, group, path, flows: capturedFlows(capturedSegments(file) ?? []) };
    const alone = capture.flows.every((flow) => !taken.has(keyOfFlow(flow)));
    const own = alone ? capture : moved(capture, folder, ++port);
    for (const flow of own.flows) taken.add(keyOfFlow(flow));
    return [own];
  });
}

/** The captures in as few runs as can be, none with two of the same ends: to load the programs takes longer than to run them. */
function runsOf(captures: readonly Capture[]): Capture[][] {
  const runs: { readonly keys: Set<string>; readonly captures: Capture[] }[] = [];
  for (const capture of captures) {
    const keys = capture.flows.map(keyOfFlow);
    let run = runs.find((one) => !keys.some((key) => one.keys.has(key)));
    if (!run) runs.push((run = { keys: new Set(), captures: [] }));
    for (const key of keys) run.keys.add(key);
    run.captures.push(capture);
  }
  return runs.map(({ captures: some }) => some);
}

type Wrong = Record<string, { readonly reader: Told; readonly log: Told }>;

/** Flows of which the log says something else than the reader, by their ends; and of how many the reader knows. */
function differences(flows: readonly CapturedFlow[], lines: readonly Line[]): { count: number; wrong: Wrong } {
  const wrong: Wrong = {};
  let count = 0;
  for (const key of new Set(flows.map(keyOfFlow))) {
    const speeches = flows.filter((flow) => keyOfFlow(flow) === key).map(speechOf);
    // Where the reader cannot tell of one, it cannot of the others with the same ends.
    if (speeches.some((speech) => speech === undefined)) continue;
    count += speeches.length;
    const reader = toldOf(speeches.flatMap((speech) => speech ?? []));
    const log = toldBy(lines.filter((line) => keyOfLine(line) === key));
    if (JSON.stringify(reader) !== JSON.stringify(log)) wrong[key] = { reader, log };
  }
  return { count, wrong };
}

t.test('every flow is recognised, and every message of it logged once', { skip, timeout: 280_000 }, async (t) => {
  const captures = readCaptures(temporaryFolder(t, 'flows'));
  const known: Record<string, number> = {};
  let noticed = 0;
  const runs = runsOf(captures);
  for (const run of runs) {
    const lines = logged(run.map(({ path }) => path));
    for (const { name, group, flows } of run) {
      const { count, wrong } = differences(flows, lines);
      known[group] = (known[group] ?? 0) + count;
      t.strictSame(wrong, {}, `${group} ${name}: ${count} flows`);
      const less = lines.filter(({ event_type: type }) => type !== 'http' && type !== 'dns');
      noticed += Object.keys(differences(flows, less).wrong).length;
    }
  }
  t.comment(
    `captures: ${captures.length} in ${runs.length} runs; flows that the reader knows: ${JSON.stringify(known)}`,
  );
  t.ok(captures.length >= 80, 'the captures are there');
  for (const group of ['http', 'dns', 'tls']) t.ok(known[group], `flows of ${group}`);
  t.ok(noticed > 50, `records that are missing are noticed: in ${noticed} flows`);
});
