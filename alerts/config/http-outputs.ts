// SPDX-License-Identifier: Apache-2.0
// All outputs over HTTP that have words of their own.

import { pagerduty, slack, teams } from './chat.js';
import { cloudevents } from './cloudevents.js';
import { elasticsearch } from './elasticsearch.js';
import { loki } from './loki.js';
import { otlp } from './otlp.js';
import { splunkHec } from './splunk-hec.js';

export const httpOutputs = [splunkHec, elasticsearch, loki, otlp, cloudevents, slack, teams, pagerduty] as const;
