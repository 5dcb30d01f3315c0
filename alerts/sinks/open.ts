// SPDX-License-Identifier: Apache-2.0
// From configuration to sink.

import type { OutputConfig } from '../config.js';
import type { Platform } from './datagrams.js';
import { FileSink } from './file.js';
import type { Sink } from './sink.js';
import { StdoutSink } from './stdout.js';
import { SyslogStream } from './syslog-stream.js';
import { SyslogUdp } from './syslog-udp.js';
import { SyslogUnix } from './syslog-unix.js';
import { WebhookSink } from './webhook.js';

/** Opens what must be there from the start (files, secrets); receivers on the network may come later. */
export async function openSink(config: OutputConfig, platform: Platform = {}): Promise<Sink> {
  switch (config.type) {
    case 'file':
      return FileSink.open(config);
    case 'stdout':
      return new StdoutSink(config);
    case 'syslog':
      if (config.transport === 'udp') return new SyslogUdp(config);
      return config.transport === 'unix' ? new SyslogUnix(config, platform) : new SyslogStream(config);
    case 'webhook':
      return WebhookSink.open(config);
  }
}
