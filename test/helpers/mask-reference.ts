// SPDX-License-Identifier: Apache-2.0
// What masking a header section means, written a second time: by lines and regular expressions, with no automaton.

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]*/;
/** Neither of a name, nor a colon, nor of a line end. */
const filler = /^[^!#$%&'*+\-.^_`|~0-9A-Za-z:\r\n]*/;
const lineEnd = /^\r*\n|^\r+/;
const fold = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** The section (through its end, if it ends in `text`) with the values of these headers masked. */
export function maskReference(names: readonly string[], text: string): { masked: string; ended: boolean } {
  const folded = new Set(names.map(fold));
  let out = '';
  let rest = text;
  const take = (pattern: RegExp): string => {
    const found = pattern.exec(rest)?.[0] ?? '';
    rest = rest.slice(found.length);
    return found;
  };
  // The remainder of a masked line: white space in front stays, line ends stay.
  const value = (): void => {
    out += take(/^[ \t]*/) + take(/^[^\n]*/).replaceAll(/[^\r]/g, '*') + take(/^\n/);
  };
  out += take(/^[^\r\n]*/);
  let hidden = false; // whether the line before was masked
  const first = take(lineEnd);
  out += first;
  let hard = first.endsWith('\n'); // whether that line ended with LF, so that an empty one ends the section
  while (rest !== '') {
    const empty = hard ? take(/^\r*\n/) : '';
    if (empty !== '') return { masked: out + empty, ended: true };
    if (hidden && token.exec(rest)?.[0] === '') {
      value();
      continue;
    }
    const lead = take(/^\r*/) + take(filler);
    const name = take(token);
    out += lead + name;
    if (folded.has(fold(name))) {
      out += take(filler);
      if (rest.startsWith(':')) {
        out += take(/^:/);
        value();
      } else {
        out += take(/^[^\n]*/).replaceAll(/[^\r]/g, '*') + take(/^\n/);
      }
      hidden = true;
      hard = true;
      continue;
    }
    const line = take(/^[^\r\n]*/) + take(lineEnd);
    out += line;
    hidden = false;
    hard = line.endsWith('\n');
  }
  return { masked: out, ended: false };
}
