// SPDX-License-Identifier: Apache-2.0
import { formatDuration } from '../../../common/duration.js';
import { IdsError } from '../../../common/errors.js';
import type { LogRequest, LogStatus } from '../../api/layer7-api.js';
import { parseMilliseconds, parseStatusRange, type HttpSelection } from '../../layer7/selection.js';
import { command } from '../command.js';
import type { Context } from '../context.js';
import { plain } from '../table.js';

function selectionText({ http }: LogStatus): string {
  if (!http.on) return 'off';
  const { method, host, path, port, status, slowerMs, sample = 1, headers } = http;
  const parts = [
    method,
    host === undefined ? undefined : `host ${host}`,
    path === undefined ? undefined : `path ${path}…`,
    port === undefined ? undefined : `port ${port}`,
    status === undefined ? undefined : `status ${status.join('-')}`,
    slowerMs === undefined ? undefined : `slower than ${slowerMs} ms`,
    sample > 1 ? `1 in ${sample}` : undefined,
  ].filter((part) => part !== undefined);
  const kept = headers === undefined ? '' : `, headers: ${headers === 'all' ? headers : headers.join(', ')}`;
  return `${parts.length === 0 ? 'every transaction' : parts.join(', ')}${kept}`;
}

function flowText({ flow }: LogStatus): string {
  if (!flow.on) return 'off';
  const { failed, net, port, interval = 0 } = flow;
  const parts = [
    failed ? 'connections that did not come about' : 'every flow',
    net === undefined ? undefined : `with ${net.join(', ')}`,
    port === undefined ? undefined : `port ${port}`,
    interval > 0 ? `long ones every ${formatDuration(interval)}` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

function show(status: LogStatus, context: Context): void {
  const takers = (kind: string): string => {
    const names = status.outputs.find((one) => one.kind === kind)?.outputs ?? [];
    return names.length === 0 ? 'no output takes it' : `to ${names.join(', ')}`;
  };
  const line = (kind: string, text: string, origin: string): void =>
    context.line(plain(`${kind}: ${text} (${origin}); ${takers(kind)}`));
  line('http', selectionText(status), status.http.origin);
  line('tls', status.tls.on ? 'on' : 'off', status.tls.origin);
  line('dns', status.dns.on ? 'on' : 'off', status.dns.origin);
  line('flow', flowText(status), status.flow.origin);
}

export function answer(status: LogStatus, context: Context, kind?: 'http' | 'tls' | 'dns' | 'flow'): 0 {
  if (context.json) context.data(status);
  else show(status, context);
  const unheard = kind && status[kind].on && !status.outputs.some((one) => one.kind === kind && one.outputs.length > 0);
  if (unheard) context.warn(`ids: nothing is written: no output has ${kind} among its events`);
  return 0;
}

export const logShow = command({
  name: 'log show',
  describe: 'what is logged of HTTP, TLS, DNS and flows, and where it goes',
  example: ['ids log show', 'the selection in force'],
  run: async (_values, context) => answer(await context.client.logStatus(), context),
});

/** The value of --port. @throws IdsError USAGE */
export function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new IdsError('USAGE', `--port: "${text}" is no port`);
}

function sampleOf(text: string): number {
  const sample = Number(text);
  if (/^\d{1,7}$/.test(text) && sample >= 1 && sample <= 1_000_000) return sample;
  throw new IdsError('USAGE', `--sample: "${text}" is no number from 1 to 1000000`);
}

export const logHttp = command({
  name: 'log http',
  describe: 'change at once which HTTP transactions are logged; the whole selection is replaced',
  positionals: {
    state: {
      optional: true,
      describe: '`on`, `off`, or `default` for what the configuration says',
      complete: ['on', 'off', 'default'],
    },
  },
  options: {
    path: { type: 'string', value: 'PREFIX', describe: 'only request targets that begin with this' },
    host: { type: 'string', value: 'NAME', describe: 'only this host' },
    method: { type: 'string', value: 'METHOD', describe: 'only this method' },
    port: { type: 'string', value: 'PORT', describe: 'only this port of the server' },
    status: { type: 'string', value: 'RANGE', describe: 'only these statuses: 404, 500-599' },
    slower: { type: 'string', value: 'TIME', describe: 'only with this latency or more: 300ms, 2s' },
    sample: { type: 'string', value: 'N', describe: 'one in so many' },
    header: { type: 'list', value: 'NAME', describe: 'log these header lines too; `all` for every one' },
  },
  example: [
    'ids log http --path /api/v2 --header X-Request-ID --sample 10',
    'one in ten of an API, with its request ids',
  ],
  run: async ({ state, path, host, method, port, status, slower, sample, header }, context) => {
    const selection: HttpSelection = {
      ...(method === undefined ? {} : { method }),
      ...(host === undefined ? {} : { host }),
      ...(path === undefined ? {} : { path }),
      ...(port === undefined ? {} : { port: portOf(port) }),
      ...(status === undefined ? {} : { status: parseStatusRange(status) }),
      ...(slower === undefined ? {} : { slowerMs: parseMilliseconds(slower) }),
      ...(sample === undefined ? {} : { sample: sampleOf(sample) }),
      ...(header.length === 0 ? {} : { headers: header.includes('all') ? ('all' as const) : header }),
    };
    const chosen = Object.keys(selection).length > 0;
    if (state !== undefined && !['on', 'off', 'default'].includes(state)) {
      throw new IdsError('USAGE', `"${state}" is neither on, off nor default`);
    }
    if (state === undefined && !chosen) {
      throw new IdsError(
        'USAGE',
        'nothing was asked for: write on, off, default or options (see "ids log http --help")',
      );
    }
    if (state !== undefined && state !== 'on' && chosen) {
      throw new IdsError('USAGE', `${state} takes no options`);
    }
    const http = state === 'off' || state === 'default' ? state : selection;
    return answer(await context.client.changeLog({ http }), context, 'http');
  },
});

function switched(kind: 'tls' | 'dns', what: string) {
  return command({
    name: `log ${kind}`,
    describe: `change at once whether ${what} are logged`,
    positionals: {
      state: {
        describe: '`on`, `off`, or `default` for what the configuration says',
        complete: ['on', 'off', 'default'],
      },
    },
    example: [`ids log ${kind} off`, 'until it is said otherwise, also after a restart'],
    run: async ({ state }, context) => {
      if (state !== 'on' && state !== 'off' && state !== 'default') {
        throw new IdsError('USAGE', `"${state}" is neither on, off nor default`);
      }
      const request: LogRequest = { [kind]: state === 'default' ? state : state === 'on' };
      return answer(await context.client.changeLog(request), context, kind);
    },
  });
}

export const logTls = switched('tls', 'TLS handshakes');
export const logDns = switched('dns', 'DNS messages');
