// SPDX-License-Identifier: Apache-2.0
// From the words of a command line to a command and its values.

import yargs, { type Options } from 'yargs';
import { IdsError } from '../../common/errors.js';
import { nearest } from '../config/nearest.js';
import { globalOptions, type Command, type OptionSpec, type OptionTable } from './command.js';
import { commands, groups } from './commands/index.js';

/** What a command line asks for. */
export type Request =
  | { readonly kind: 'help'; readonly topic: string; readonly asked: boolean }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly values: Readonly<Record<string, unknown>>;
      readonly json: boolean;
      readonly socket: string | undefined;
    };

/** `ids rules check <paths..>`. */
export function usage({ name, positionals }: Command): string {
  const words = Object.entries(positionals).map(([word, { many, optional }]) => {
    const text = many ? `${word}..` : word;
    return optional ? `[${text}]` : `<${text}>`;
  });
  return ['ids', name, ...words].join(' ');
}

/** @throws IdsError USAGE for what is no command line of ours. */
export function parse(argv: readonly string[]): Request {
  const found = findWords(argv);
  if (found.version && found.words.length === 0) return { kind: 'version' };
  const [first = '', second = ''] = found.words;
  if (first === 'help') return { kind: 'help', topic: topicOf(found.words.slice(1)), asked: true };
  if (first === '') {
    if (argv.at(-1) === '--socket') throw new IdsError('USAGE', '--socket needs a value: see "ids --help"');
    const stray = argv.find(
      (word) => word.startsWith('-') && !/^(-h|--help|--(no-)?json|--socket(=.*)?|--)$/.test(word),
    );
    if (stray !== undefined)
      throw new IdsError('USAGE', `${stray}: no such option before a command (see "ids --help")`);
    return { kind: 'help', topic: '', asked: found.help };
  }
  const group = Object.hasOwn(groups, first);
  if (group && second === '') return { kind: 'help', topic: first, asked: found.help };
  const topic = topicOf(group ? [first, second] : [first]);
  if (found.help) return { kind: 'help', topic, asked: true };
  const command = commands.find(({ name }) => name === topic);
  if (!command) throw new IdsError('INTERNAL', `the command ${topic} is not in the table`);
  const taken = found.at.slice(0, group ? 2 : 1);
  return readValues(
    command,
    argv.filter((_word, i) => !taken.includes(i)),
  );
}

interface Words {
  readonly words: string[];
  /** Their places on the command line. */
  readonly at: number[];
  readonly help: boolean;
  readonly version: boolean;
}

/** The words that may name a command: global options may stand before them. */
function findWords(argv: readonly string[]): Words {
  const found = { words: [] as string[], at: [] as number[], help: false, version: false };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') break;
    if (word === '--socket') i++;
    else if (word === '--help' || word === '-h') found.help = true;
    else if (word === '--version') found.version = true;
    else if (!word.startsWith('-')) {
      found.words.push(word);
      found.at.push(i);
    }
  }
  return found;
}

/** The command or group that words name. @throws IdsError USAGE, with what may have been meant if it is close */
function topicOf(words: readonly string[]): string {
  const [first = '', second] = words;
  if (first === '') return '';
  const tops = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))];
  if (!tops.includes(first)) throw unknown(`"${first}" is no command`, first, tops, 'ids');
  if (!Object.hasOwn(groups, first) || second === undefined) return first;
  const members = commands
    .filter(({ name }) => name.startsWith(`${first} `))
    .map(({ name }) => name.split(' ')[1] ?? '');
  if (!members.includes(second)) throw unknown(`"${first} ${second}" is no command`, second, members, `ids ${first}`);
  return `${first} ${second}`;
}

function unknown(what: string, word: string, candidates: readonly string[], where: string): IdsError {
  const meant = nearest(word, candidates);
  const remedy = meant === undefined ? `see "${where} --help"` : `did you mean "${where} ${meant}"?`;
  return new IdsError('USAGE', `${what}: ${remedy}`);
}

function yargsOption(spec: OptionSpec): Options {
  if (spec.type === 'boolean') return { type: 'boolean', ...(spec.alias ? { alias: spec.alias } : {}) };
  return {
    type: 'string',
    requiresArg: true,
    array: spec.type === 'list',
    ...(spec.alias ? { alias: spec.alias } : {}),
  };
}

/** What is wrong, said in our words whatever the locale is. */
function mistake(message: string, command: Command, args: readonly string[], table: OptionTable): IdsError {
  const see = `see "ids ${command.name} --help"`;
  const option = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);
  const missing = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (missing !== undefined) return new IdsError('USAGE', `${option(missing)} needs a value: ${see}`);
  const name = /^Unknown arguments?: ([^,]*)/.exec(message)?.[1];
  if (name === undefined) return new IdsError('USAGE', `${message}: ${see}`);
  const given = args.find((word) => word.replace(/^-+(no-)?/, '').split('=')[0] === name) ?? option(name);
  const meant = nearest(name, Object.keys(table));
  return new IdsError('USAGE', `${given.split('=')[0]}: no such option: ${meant ? `did you mean --${meant}?` : see}`);
}

/** `-n5` and `-n=5` as `-n 5`, for the letters that take a value. */
function splitShort(args: readonly string[], table: OptionTable): string[] {
  const letters = Object.entries(table)
    .filter(([, { type }]) => type !== 'boolean')
    .map(([name, { alias }]) => (name.length === 1 ? name : alias))
    .filter((letter) => letter !== undefined);
  const end = args.indexOf('--');
  return args.flatMap((word, i) => {
    const split = end >= 0 && i > end ? null : /^-([A-Za-z])=?([^]+)$/.exec(word);
    return split && letters.includes(split[1] ?? '') ? [`-${split[1]}`, split[2] ?? ''] : [word];
  });
}

function readValues(command: Command, args: readonly string[]): Request {
  const table: OptionTable = { ...command.options, ...globalOptions };
  const parsed = yargs(splitShort(args, table))
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'camel-case-expansion': false,
      'dot-notation': false,
    })
    .detectLocale(false)
    .help(false)
    .version(false)
    .exitProcess(false)
    .options(Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, yargsOption(spec)])))
    .strictOptions()
    .fail((message: string | null, error: Error | undefined) => {
      throw error instanceof IdsError ? error : mistake(message ?? error?.message ?? '', command, args, table);
    })
    .parseSync() as Record<string, unknown>;
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) values[name] = optionValue(name, spec, parsed[name], command);
  Object.assign(values, positionalValues(command, (parsed['_'] as unknown[]).map(String)));
  const { json, socket } = values as { json: boolean; socket: string | undefined };
  return { kind: 'run', command, values, json, socket };
}

function optionValue(name: string, spec: OptionSpec, value: unknown, command: Command): unknown {
  if (spec.type === 'boolean') return (Array.isArray(value) ? value.at(-1) : value) === true;
  const texts = (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);
  if (spec.required && texts.length === 0) {
    const text = `--${name} ${spec.value ?? 'VALUE'} is needed: see "ids ${command.name} --help"`;
    throw new IdsError('USAGE', text);
  }
  return spec.type === 'list' ? texts : (texts.at(-1) ?? spec.default);
}

function positionalValues(command: Command, words: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let at = 0;
  for (const [name, { many, optional }] of Object.entries(command.positionals)) {
    const rest = words.slice(at, many ? undefined : at + 1);
    if (rest.length === 0 && !optional) {
      throw new IdsError('USAGE', `<${name}> is missing: ${usage(command)} (see "ids ${command.name} --help")`);
    }
    values[name] = many ? rest : rest[0];
    at += rest.length;
  }
  if (at < words.length) {
    throw new IdsError('USAGE', `"${words[at]}" is one word too many: ${usage(command)}`);
  }
  return values;
}
