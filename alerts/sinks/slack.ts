// SPDX-License-Identifier: Apache-2.0
// Slack's incoming webhooks (docs.slack.dev: "Sending messages using incoming webhooks", Block Kit "Section block").

import type { SlackConfig } from '../config/chat.js';
import type { Sendable } from '../entry.js';
import { chatMessage } from './chat-message.js';
import { refusalOf } from './http-answer.js';
import { HttpClient } from './http-client.js';
import { HttpSink, succeeded } from './http-sink.js';

/** What is markup in `text`; that of blocks is plain. */
const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const plain = (text: string): object => ({ type: 'plain_text', text, emoji: false });

/** At most 22 blocks of 400 characters. */
export function slackBody(entries: readonly Sendable[], listed: number): string {
  const { title, lines, more } = chatMessage(entries, listed);
  return JSON.stringify({
    // What notifications show.
    text: escaped(lines.length === 1 ? (lines[0] ?? title) : title),
    blocks: [
      { type: 'section', text: plain(title) },
      ...lines.map((line) => ({ type: 'section', text: plain(line) })),
      ...(more === undefined ? [] : [{ type: 'context', elements: [plain(more)] }]),
    ],
  });
}

export class SlackSink extends HttpSink {
  readonly #listed: number;

  private constructor({ name, listed }: SlackConfig, client: HttpClient) {
    super(name, client);
    this.#listed = listed;
  }

  /** @throws IdsError OUTPUT_FAILED if the URL cannot be read */
  static async open(config: SlackConfig): Promise<SlackSink> {
    return new SlackSink(config, await HttpClient.open(config));
  }

  protected async send(entries: readonly Sendable[], signal: AbortSignal): Promise<void> {
    const body = slackBody(entries, this.#listed);
    const answer = await this.client.post({ headers: { 'content-type': 'application/json' }, body }, signal);
    // invalid_payload and its like are of the content; no_service, channel_is_archived … can be put right.
    if (!succeeded(answer)) throw refusalOf(this.target, answer, { said: answer.text });
  }
}
