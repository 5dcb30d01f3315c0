// SPDX-License-Identifier: Apache-2.0
// From configuration to sink.

import type { OutputConfig } from '../config.js';
import { CloudeventsSink } from './cloudevents.js';
import type { Platform } from './datagrams.js';
import { ElasticsearchSink } from './elasticsearch.js';
import { FileSink } from './file.js';
import { LokiSink } from './loki.js';
import { OtlpSink } from './otlp.js';
import { PagerdutySink } from './pagerduty.js';
import { NatsSink } from './nats.js';
import { RedisSink } from './redis.js';
import type { Sink } from './sink.js';
import { SlackSink } from './slack.js';
import { SplunkHecSink } from './splunk-hec.js';
import { StdoutSink } from './stdout.js';
import { SyslogStream } from './syslog-stream.js';
import { SyslogUdp } from './syslog-udp.js';
import { SyslogUnix } from './syslog-unix.js';
import { TeamsSink } from './teams.js';
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
    // Who has none of these starts without their libraries.
    case 'nats':
      return new NatsSink(config);
    case 'redis':
      return new RedisSink(config);
    case 'kafka':
      return new (await import('./kafka.js')).KafkaSink(config);
    case 'webhook':
      return WebhookSink.open(config);
    case 'splunk_hec':
      return SplunkHecSink.open(config);
    case 'elasticsearch':
      return ElasticsearchSink.open(config);
    case 'loki':
      return LokiSink.open(config);
    case 'otlp':
      return OtlpSink.open(config);
    case 'cloudevents':
      return CloudeventsSink.open(config);
    case 'slack':
      return SlackSink.open(config);
    case 'teams':
      return TeamsSink.open(config);
    case 'pagerduty':
      return PagerdutySink.open(config);
  }
}
