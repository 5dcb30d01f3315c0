// SPDX-License-Identifier: Apache-2.0
// app-layer-protocol: what the kernel has recognised a flow as.

import { App } from '../../common/abi.gen.js';
import type { AppName } from '../ast.js';
import { fail, failValue, unsupported, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { supported, type Keyword } from './types.js';

const bit = (app: App): number => 1 << app;

const appsByName: Readonly<Record<string, number>> = {
  http: bit(App.HTTP) | bit(App.HTTP2),
  http1: bit(App.HTTP),
  http2: bit(App.HTTP2),
  tls: bit(App.TLS),
  dns: bit(App.DNS),
  quic: bit(App.QUIC),
};

/** Those whose messages the engine has: without contents the rule is judged on them. HTTP/2 is not read. */
const messages: Readonly<Record<string, AppName>> = { http1: 'http', tls: 'tls', dns: 'dns' };

/** The kernel has one protocol for both directions of a flow, and does not change its mind. */
const MODES: readonly string[] = ['final', 'either', 'to_server', 'to_client', 'toserver', 'toclient', 'both'];

function parseAppProtocol(draft: Draft, value: string): void {
  const [word = '', mode, ...more] = value.split(',').map((part) => part.trim());
  const negated = word.startsWith('!');
  const name = word
    .slice(negated ? 1 : 0)
    .trim()
    .toLowerCase();
  if (!/^[a-z][\w-]*$/.test(name)) return failValue(draft, `"${word}" is not a protocol`, 'write a name such as tls');
  if (mode === 'original') return unsupported(draft, 'what a flow was before it changed its protocol is not kept');
  if (more.length > 0 || (mode !== undefined && !MODES.includes(mode))) {
    return failValue(
      draft,
      `"${[mode, ...more].join(',')}" is not a mode`,
      `write one of ${MODES.slice(0, 4).join(', ')}`,
    );
  }
  if (draft.protocol.app !== undefined) {
    return fail(draft, draft.keywordAt, 'the header of the rule names a protocol already', 'write tcp or udp there');
  }
  const apps = Object.hasOwn(appsByName, name) ? appsByName[name] : undefined;
  if (apps === undefined) return unsupported(draft, `${name} is not recognised`);
  if (!negated && messages[name] !== undefined) draft.app ??= messages[name];
  draft.parts.push({ kind: 'app', position: positionOf(draft.line, draft.keywordAt), apps, negated });
}

export const appProtocolKeywords: readonly Keyword[] = [
  supported(
    'packet',
    'app-layer-protocol',
    'What the flow was recognised as: `http`, `http1`, `http2`, `tls`, `dns`, `quic`, or not: `!NAME`; the modes `final`, ' +
      '`either`, `to_server`, `to_client` mean the same here. No flow meets it before it is recognised',
    parseAppProtocol,
  ),
];
