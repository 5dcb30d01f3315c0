// SPDX-License-Identifier: Apache-2.0
import type { Times } from '../../flows/times.js';
import { command } from '../command.js';
import { count, table } from '../table.js';

/** Microseconds for people; nothing if they are not known. */
export function duration(us: number | undefined): string {
  if (us === undefined) return '';
  return us < 1000 ? `${us} µs` : us < 1_000_000 ? `${(us / 1000).toFixed(1)} ms` : `${(us / 1_000_000).toFixed(1)} s`;
}

export const statsTcp = command({
  name: 'stats tcp',
  describe: 'handshake and round-trip times of TCP, failures, resets and retransmissions',
  example: ['ids stats tcp', 'how fast and how well connections come about'],
  run: async (_values, context) => {
    const stats = await context.client.tcpStats();
    if (context.json) {
      context.data(stats);
      return 0;
    }
    const { states, server, network, rtt } = stats;
    context.line(
      Object.entries(states)
        .map(([name, flows]) => `${count(flows)} ${name}`)
        .join(', '),
    );
    const rows: readonly (readonly [name: string, value: number])[] = [
      ['handshakes', stats.handshakes],
      ['refused', stats.refused],
      ['unanswered', stats.unanswered],
      ['half-open', stats.halfOpen],
      ['resets', stats.resets],
      ['retransmissions', stats.retransmissions],
    ];
    context.line();
    for (const [name, value] of rows) context.line(`${name.padEnd(16)} ${count(value)}`);
    context.line();
    const times: readonly (readonly [name: string, times: Times])[] = [
      ['handshake, server part', server],
      ['handshake, network part', network],
      ['round trip', rtt],
    ];
    context.lines(
      table(
        [
          { title: 'time', value: ([name]) => name },
          { title: 'measured', align: 'right', value: ([, one]) => count(one.count) },
          { title: 'p50', align: 'right', value: ([, one]) => duration(one.p50Us) },
          { title: 'p90', align: 'right', value: ([, one]) => duration(one.p90Us) },
          { title: 'p99', align: 'right', value: ([, one]) => duration(one.p99Us) },
        ],
        times,
        context.width,
      ),
    );
    return 0;
  },
});
