// SPDX-License-Identifier: Apache-2.0
// The variables of a suricata.yaml: its `vars` section, with `address-groups` and `port-groups`. Nothing else is read.

import { isMap, isScalar, LineCounter, parseDocument, type Node } from 'yaml';
import { IdsError } from '../../common/errors.js';
import type { RuleSource } from '../../rules/index.js';

/** Values as in suricata.yaml, names without `$`; HOME_NET among them. */
export interface VarsFile {
  readonly address: Readonly<Record<string, string>>;
  readonly port: Readonly<Record<string, string>>;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** @throws IdsError CONFIG_INVALID with file, line and column */
export function parseVarsFile({ file, text }: RuleSource): VarsFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const fail = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new IdsError('CONFIG_INVALID', `${file}:${Math.max(1, line)}:${Math.max(1, col)}: ${message}`);
  };
  const [error] = document.errors;
  if (error) fail(error.pos[0], `${error.message.split('\n')[0] ?? ''}; check the indentation and quotes of this line`);
  const vars = document.get('vars', true) as Node | undefined;
  if (!isMap(vars)) return fail(0, 'there is no section vars; name a suricata.yaml or a file like it');
  const group = (name: string): Record<string, string> => {
    const members = vars.get(name, true) as Node | undefined;
    const found: Record<string, string> = {};
    if (members === undefined || (isScalar(members) && members.value === null)) return found;
    if (!isMap(members)) return fail(members.range?.[0] ?? 0, `${name} is no mapping; write NAME: "value" lines`);
    for (const { key, value } of members.items) {
      const at = (key as Node).range?.[0] ?? 0;
      const variable = isScalar(key) ? String(key.value) : '';
      if (!NAME.test(variable)) fail(at, `"${variable}" is not the name of a variable; write letters, digits and _`);
      const plain: unknown = isScalar(value) ? value.value : undefined;
      const word = typeof plain === 'string' || typeof plain === 'number' ? String(plain) : '';
      if (word === '') fail(at, `${variable} has no value; write it in quotes, for example "[10.0.0.0/8]"`);
      found[variable] = word;
    }
    return found;
  };
  return { address: group('address-groups'), port: group('port-groups') };
}
