// SPDX-License-Identifier: Apache-2.0
// Completion scripts for bash and zsh, made from the table of commands: a Tab starts no process and asks no daemon.

import { globalOptions, type Command, type Completion, type OptionTable } from './command.js';
import { commands, groups } from './commands/index.js';

const optionsOf = ({ options }: Command): OptionTable => ({ ...options, ...globalOptions });

/** The option names with what may follow them: every option of that name takes the same. */
function valueOptions(): Map<string, Completion | undefined> {
  const found = new Map<string, Completion | undefined>();
  for (const one of commands) {
    for (const [name, { type, alias, complete }] of Object.entries(optionsOf(one))) {
      if (type === 'boolean') continue;
      found.set(name.length === 1 ? `-${name}` : `--${name}`, complete);
      if (alias !== undefined) found.set(`-${alias}`, complete);
    }
  }
  return found;
}

function flags(one: Command): string[] {
  return Object.entries(optionsOf(one)).flatMap(([name, { alias }]) => [
    name.length === 1 ? `-${name}` : `--${name}`,
    ...(alias === undefined ? [] : [`-${alias}`]),
  ]);
}

const firstWords = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))];
const membersOf = (group: string): string[] =>
  commands.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name.split(' ')[1] ?? '');

/** What the words of a command itself may be. */
function wordsOf(one: Command): Completion | undefined {
  return Object.values(one.positionals).find(({ complete }) => complete !== undefined)?.complete;
}

interface Dialect {
  /** The shell's code that offers these words. */
  readonly offer: (words: readonly string[], what?: Completion) => string;
}

/** The `case` over the words so far, the same in both shells. */
function cases({ offer }: Dialect): string {
  const arm = (pattern: string, code: string): string => `    ${pattern}) ${code} ;;`;
  return [
    arm(`''`, offer([...firstWords, '--help', '--version', '--json', '--socket'])),
    ...Object.keys(groups).map((group) => arm(`'${group}'`, offer([...membersOf(group), '--help']))),
    ...commands.map((one) => arm(`'${one.name}'`, offer(flags(one), wordsOf(one)))),
  ].join('\n');
}

/** The `case` over the word before, for the values of options. */
function valueCases({ offer }: Dialect): string {
  const byWhat = new Map<string, string[]>();
  for (const [name, complete] of valueOptions()) {
    const code = offer(
      typeof complete === 'object' ? complete : [],
      typeof complete === 'object' ? undefined : complete,
    );
    byWhat.set(code, [...(byWhat.get(code) ?? []), name]);
  }
  return [...byWhat].map(([code, names]) => `    ${names.join(' | ')}) ${code}; return ;;`).join('\n');
}

/** Finds the command in the words before the cursor; `first` is the index of the first word after `ids`. */
function findCommand(words: string, first: number, end: string): string {
  const groupPattern = Object.keys(groups).join(' | ');
  const skipped = [...valueOptions().keys()].join(' | ');
  return `  for ((i = ${first}; i < ${end}; i++)); do
    word="\${${words}[i]}"
    case "$word" in
      ${skipped}) ((i++)) ;;
      -*) ;;
      *)
        case "$found" in
          '') found="$word" ;;
          ${groupPattern}) found="$found $word" ;;
        esac
        ;;
    esac
  done`;
}

export function bashScript(): string {
  const dialect: Dialect = {
    offer: (words, what) => {
      const list = typeof what === 'object' ? [...words, ...what] : words;
      const parts = list.length > 0 ? [`_ids_offer "$cur" ${list.join(' ')}`] : [];
      if (what === 'file') parts.push('_ids_files "$cur"');
      if (what === 'interface') parts.push('_ids_offer "$cur" $(ls /sys/class/net 2>/dev/null)');
      return parts.length === 0 ? ':' : parts.join('; ');
    },
  };
  return `# bash completion for ids: source <(ids completion bash)
_ids_offer() {
  local cur="$1" word
  shift
  for word; do
    if [[ $word == "$cur"* && ( $word != -* || $cur == -* ) ]]; then COMPREPLY+=("$word"); fi
  done
}

_ids_files() {
  local file
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$1")
}

_ids() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}" found='' word i
  COMPREPLY=()
  # bash splits --option=value at the sign.
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev="\${COMP_WORDS[COMP_CWORD - 2]}"; fi
  case "$prev" in
${valueCases(dialect)}
  esac
${findCommand('COMP_WORDS', 1, 'COMP_CWORD')}
  case "$found" in
${cases(dialect)}
  esac
}

complete -F _ids ids
`;
}

export function zshScript(): string {
  const dialect: Dialect = {
    offer: (words, what) => {
      const list = typeof what === 'object' ? [...words, ...what] : words;
      const plain = list.filter((word) => !word.startsWith('-'));
      const options = list.filter((word) => word.startsWith('-'));
      const parts = plain.length > 0 ? [`compadd -- ${plain.join(' ')}`] : [];
      // Options only where one has been begun, so that the words themselves stand out.
      if (options.length > 0) parts.push(`[[ $cur == -* ]] && compadd -- ${options.join(' ')}`);
      if (what === 'file') parts.push('[[ $cur == -* ]] || _files');
      if (what === 'interface') parts.push('compadd -- /sys/class/net/*(N:t)');
      return parts.length === 0 ? ':' : parts.join('; ');
    },
  };
  return `#compdef ids
# zsh completion for ids: source <(ids completion zsh), or this text as _ids in a directory of $fpath
_ids() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" found='' word i
  case "$prev" in
${valueCases(dialect)}
  esac
${findCommand('words', 2, 'CURRENT')}
  case "$found" in
${cases(dialect)}
  esac
}

if [[ "\${funcstack[1]:-}" == _ids ]]; then _ids "$@"; else compdef _ids ids; fi
`;
}
