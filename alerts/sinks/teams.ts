// SPDX-License-Identifier: Apache-2.0
// Microsoft Teams by a workflow of Power Automate, "Post to a channel when a webhook request is received": an Adaptive
// Card in an attachment (learn.microsoft.com: "Create incoming webhooks with Workflows"; adaptivecards.io: RichTextBlock).

import type { TeamsConfig } from '../config/chat.js';
import type { Sendable } from '../entry.js';
import { chatMessage } from './chat-message.js';
import { refusalOf } from './http-answer.js';
import { HttpClient } from './http-client.js';
import { HttpSink, succeeded } from './http-sink.js';

/** Text without Markdown, which TextBlock would read. */
const text = (words: string): object => ({
  type: 'RichTextBlock',
  inlines: [{ type: 'TextRun', text: words }],
});

/** With 20 lines of 400 characters below the 28 KB that Teams takes. */
export function teamsBody(entries: readonly Sendable[], listed: number): string {
  const { title, lines, more } = chatMessage(entries, listed);
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    msteams: { width: 'Full' },
    body: [
      { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: title, weight: 'Bolder' }] },
      ...lines.map((line) => text(line)),
      ...(more === undefined ? [] : [text(more)]),
    ],
  };
  const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content };
  return JSON.stringify({ type: 'message', attachments: [attachment] });
}

export class TeamsSink extends HttpSink {
  readonly #listed: number;

  private constructor({ name, listed }: TeamsConfig, client: HttpClient) {
    super(name, client);
    this.#listed = listed;
  }

  /** @throws IdsError OUTPUT_FAILED if the URL cannot be read */
  static async open(config: TeamsConfig): Promise<TeamsSink> {
    return new TeamsSink(config, await HttpClient.open(config));
  }

  protected async send(entries: readonly Sendable[], signal: AbortSignal): Promise<void> {
    const body = teamsBody(entries, this.#listed);
    const answer = await this.client.post({ headers: { 'content-type': 'application/json' }, body }, signal);
    if (!succeeded(answer)) throw refusalOf(this.target, answer, { said: answer.text });
  }
}
