// SPDX-License-Identifier: Apache-2.0
// From configuration to sink.

import type { OutputConfig } from '../config.js';
import { FileSink } from './file.js';
import type { Sink } from './sink.js';
import { StdoutSink } from './stdout.js';
import { SyslogTcp } from './syslog-tcp.js';
import { SyslogUdp } from './syslog-udp.js';
import { WebhookSink } from './webhook.js';

/** Opens what must be there from the start (files, secrets); receivers on the network may come later. */
export async function openSink(config: OutputConfig): Promise<Sink> {
  switch (config.type) {
    case 'file':
      return FileSink.open(config);
    case 'stdout':
      return new StdoutSink(config);
    case 'syslog':
      return config.transport === 'tcp' ? new SyslogTcp(config) : new SyslogUdp(config);
    case 'webhook':
      return WebhookSink.open(config);
  }
}
