// SPDX-License-Identifier: Apache-2.0
// One option of a rule: finds its keyword, takes the quotes off its value, and lets the keyword read it.

import { fail, unsupported, type Draft } from './draft.js';
import { keywordByName } from './keywords/index.js';
import { excerpt, type Option } from './lexer.js';
import { didYouMean } from './suggest.js';

/** Takes the quotes off a value and calls the keyword's parser, or reports what is wrong with the option. */
export function parseOption(draft: Draft, option: Option): void {
  draft.keyword = option.name === '' ? 'option' : option.name;
  draft.keywordAt = option.at;
  draft.valueAt = option.valueAt;
  const keyword = keywordByName.get(option.name);
  if (!keyword) {
    if (option.name === '') return fail(draft, option.at, 'an option has no name', 'remove the extra ; or :');
    const remedy = didYouMean(
      option.name,
      keywordByName.keys(),
      'see docs/rules.md for the keywords; a ; in text is written \\;',
    );
    return fail(draft, option.at, `"${excerpt(option.name)}" is not a keyword`, remedy);
  }
  if (!keyword.parse) {
    unsupported(draft, keyword.summary);
    if (keyword.value === 'optional') stickyOther(draft, option);
    return;
  }
  if (keyword.once && draft.seen.has(keyword.name))
    return fail(draft, option.at, `${option.name} stands twice`, 'remove one');
  if (keyword.once) draft.seen.add(keyword.name);
  const value = option.value ?? '';
  if (value === '') {
    if (keyword.value === 'required')
      return fail(draft, option.at, `${option.name} needs a value`, `write ${option.name}:VALUE;`);
    return keyword.parse(draft, '', false);
  }
  if (keyword.value === 'none')
    return fail(draft, option.valueAt, `${option.name} has no value`, `write ${option.name};`);
  const negated = keyword.negatable === true && value.startsWith('!');
  const body = negated ? value.slice(1).trimStart() : value;
  if (!body.startsWith('"')) {
    if (keyword.quotes === 'mandatory') {
      return fail(
        draft,
        option.valueAt,
        `the value of ${option.name} is not in double quotes`,
        `write ${option.name}:"VALUE";`,
      );
    }
    return keyword.parse(draft, body, negated);
  }
  if (keyword.quotes === 'none') {
    return fail(
      draft,
      option.valueAt,
      `${option.name} takes no quotes`,
      `write ${option.name}:${body.replaceAll('"', '')};`,
    );
  }
  if (body.length < 2 || !body.endsWith('"')) {
    return fail(
      draft,
      option.valueAt,
      'the closing quote is missing',
      'write it, or escape a ; within the quotes as \\;',
    );
  }
  if (body.length === 2)
    return fail(draft, option.valueAt, `the value of ${option.name} is empty`, 'write at least one character');
  keyword.parse(draft, body.slice(1, -1), negated);
}

/** Behind an unsupported buffer, contents do not look into the raw payload or the buffer before it. */
function stickyOther(draft: Draft, option: Option): void {
  if (option.value !== undefined) return;
  draft.buffer = 'other';
  delete draft.address;
  draft.group++;
  draft.dotprefix = false;
  draft.transforms = undefined;
}
