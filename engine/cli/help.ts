// SPDX-License-Identifier: Apache-2.0
// The help of the program, of a group and of a command.

import { DEFAULT_SOCKET } from '../config/defaults.js';
import { globalOptions, type Command, type OptionSpec } from './command.js';
import { commands, groups } from './commands/index.js';
import { usage } from './parse.js';

const MAX_WIDTH = 110;
const GAP = 2;

/** Text in lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** A heading and two columns under it, the second one wrapped. */
function section(title: string, rows: readonly (readonly [string, string])[], width: number): string[] {
  if (rows.length === 0) return [];
  const left = Math.min(36, Math.max(...rows.map(([name]) => name.length)));
  const indent = ' '.repeat(2 + left + GAP);
  const lines = rows.flatMap(([name, text]) => {
    const [first = '', ...more] = wrap(text, Math.max(20, width - indent.length));
    const rest = more.map((line) => indent + line);
    if (name.length > left) return [`  ${name}`, indent + first, ...rest];
    return [`  ${name.padEnd(left)}  ${first}`, ...rest];
  });
  return ['', `${title}:`, ...lines];
}

function optionRow(name: string, spec: OptionSpec): [string, string] {
  const short = spec.alias === undefined ? '    ' : `-${spec.alias}, `;
  const value = spec.type === 'boolean' ? '' : ` ${spec.value ?? 'VALUE'}${spec.type === 'list' ? '…' : ''}`;
  const preset = name === 'socket' ? DEFAULT_SOCKET : spec.default;
  const notes = [...(spec.required ? ['needed'] : []), ...(preset === undefined ? [] : [`default: ${preset}`])];
  return [`${short}--${name}${value}`, spec.describe + (notes.length === 0 ? '' : ` (${notes.join(', ')})`)];
}

const globalRows = Object.entries(globalOptions).map(([name, spec]) => optionRow(name, spec));

function commandHelp(command: Command, width: number): string[] {
  const { describe, positionals, options, example } = command;
  const words = Object.entries(positionals).map(([name, spec]): [string, string] => [name, spec.describe]);
  const own = Object.entries(options).map(([name, spec]) => optionRow(name, spec));
  return [
    `${usage(command)}${own.length === 0 ? '' : ' [options]'}`,
    '',
    ...wrap(describe, width),
    ...section('Words', words, width),
    ...section('Options', [...own, ...globalRows], width),
    '',
    'Example:',
    `  ${example[0]}`,
    ...wrap(example[1], width - 6).map((line) => `      ${line}`),
  ];
}

function groupHelp(group: string, width: number): string[] {
  const members = commands.filter(({ name }) => name.startsWith(`${group} `));
  const rows = members.map((member): [string, string] => [usage(member), member.describe]);
  return [
    `ids ${group} COMMAND`,
    '',
    groups[group] ?? '',
    ...section('Commands', rows, width),
    ...section('Options', globalRows, width),
    '',
    `"ids ${group} COMMAND --help" tells more, with an example.`,
  ];
}

function rootHelp(width: number): string[] {
  const rows = commands.map((one): [string, string] => [usage(one), one.describe]);
  return [
    'ids COMMAND',
    '',
    'Intrusion detection and prevention: rules judged in the kernel, alerts for your SIEM.',
    ...section('Commands', rows, width),
    ...section('Options', [...globalRows, ['    --version', 'print the version']], width),
    '',
    '"ids COMMAND --help" tells more, with an example. Exit status: 0 done; 1 no, not found or partly;',
    '2 bad usage or input; 3 the daemon does not answer; 4 a privilege or kernel feature is missing.',
  ];
}

/** The help on a topic: a command, a group, or with '' the program. */
export function helpText(topic: string, columns: number | undefined): string {
  const width = Math.min(MAX_WIDTH, columns ?? MAX_WIDTH);
  const command = commands.find(({ name }) => name === topic);
  const lines = command ? commandHelp(command, width) : topic === '' ? rootHelp(width) : groupHelp(topic, width);
  return `${lines.join('\n')}\n`;
}
