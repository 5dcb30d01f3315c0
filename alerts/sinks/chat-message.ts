// SPDX-License-Identifier: Apache-2.0
// Records as a message for a chat: so many are told one by one, the others are counted.

import { hostname } from 'node:os';
import type { Sendable } from '../entry.js';
import { sentence } from '../formats/sentence.js';
import { cutText } from '../text.js';

export interface ChatMessage {
  readonly title: string;
  readonly lines: readonly string[];
  /** What is not told. */
  readonly more: string | undefined;
}

const LINE_MAX = 400;

export function chatMessage(entries: readonly Sendable[], listed: number): ChatMessage {
  const all = entries.flatMap(({ detection }) => detection ?? []);
  const lines = all.slice(0, listed).map((d) => cutText(sentence(d), LINE_MAX));
  const rest = all.length - lines.length;
  const title = `ids on ${hostname()}: ${all.length === 1 ? '1 record' : `${all.length} records`}`;
  return { title, lines, more: rest === 0 ? undefined : `and ${rest} more` };
}
