// SPDX-License-Identifier: Apache-2.0
// Of several rules with one gid and sid, the highest revision is used, and of equal ones the first.

import type { Problem, Rule, UnsupportedRule } from './ast.js';

type Entry = Rule | UnsupportedRule;

/** Collects rules in order and leaves out what another revision replaces. */
export class DuplicateFilter {
  readonly #problems: Problem[];
  readonly #entries = new Map<string, Entry>();

  constructor(problems: Problem[]) {
    this.#problems = problems;
  }

  add(entry: Entry): void {
    const { gid, sid, rev } = entry.meta;
    const key = `${gid}:${sid}`;
    const before = this.#entries.get(key);
    if (before === undefined) {
      this.#entries.set(key, entry);
      return;
    }
    const wins = rev > before.meta.rev;
    const [used, left] = wins ? [entry, before] : [before, entry];
    const cause = `gid ${gid} sid ${sid} stands twice: revision ${left.meta.rev} here, revision ${used.meta.rev} in ${used.position.file}:${used.position.line} is used`;
    this.#problems.push({
      severity: 'warning',
      ...left.position,
      sid,
      keyword: 'sid',
      cause,
      remedy: 'remove one or give it another sid',
    });
    if (!wins) return;
    // The later one stands where it stands, so that file order holds.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  result(): { rules: Rule[]; unsupported: UnsupportedRule[] } {
    const rules: Rule[] = [];
    const unsupported: UnsupportedRule[] = [];
    for (const entry of this.#entries.values()) {
      if ('matches' in entry) rules.push(entry);
      else unsupported.push(entry);
    }
    return { rules, unsupported };
  }
}
