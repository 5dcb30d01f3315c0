// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { buildAutomaton, State, type Automaton } from '../../../../engine/redact/automaton.js';
import { defaultRedactNames } from '../../../../engine/redact/header-names.js';
import { hiddenCases, plainCases } from '../../../helpers/mask-cases.js';
import { maskReference } from '../../../helpers/mask-reference.js';
import { randomSection, seededRandom } from '../../../helpers/random-section.js';

const built = new Map<readonly string[], Automaton>();

/** Runs the automaton over `text` as the kernel does. */
function mask(names: readonly string[], text: string): { masked: string; ended: boolean } {
  const automaton = built.get(names) ?? buildAutomaton(names);
  built.set(names, automaton);
  const { byteClass, steps } = automaton;
  let state: number = State.PLAIN;
  let masked = '';
  for (const byte of Buffer.from(text, 'latin1')) {
    const step = steps[state]?.[byteClass[byte] ?? 0];
    if (step === undefined) throw new Error(`no step from state ${state} on byte ${byte}`);
    masked += step.masked ? '*' : String.fromCharCode(byte);
    state = step.state;
    if (state === State.END) return { masked, ended: true };
  }
  return { masked, ended: false };
}

t.test('every byte has a class and every state a step, none of them dead', async (t) => {
  const { byteClass, classes, steps } = buildAutomaton(defaultRedactNames);
  t.ok(byteClass.every((cls) => cls > 0 && cls < classes));
  for (const [state, row] of steps.entries()) {
    if (state === State.DEAD) continue;
    t.equal(row.length, classes);
    t.ok(row.slice(1).every((step) => step.state > 0 && step.state < steps.length));
  }
});

t.test('secrets are masked, whatever the writing', async (t) => {
  for (const [name, text, secret] of hiddenCases) {
    const { masked } = mask(defaultRedactNames, text);
    t.notOk(masked.includes(secret), name);
    t.equal(masked.length, Math.min(masked.length, text.length));
    t.same({ masked, ended: mask(defaultRedactNames, text).ended }, maskReference(defaultRedactNames, text), name);
  }
});

t.test('what is no secret stays readable', async (t) => {
  for (const [name, text, visible] of plainCases) {
    t.ok(mask(defaultRedactNames, text).masked.includes(visible), name);
  }
});

t.test('the mask keeps lengths and line ends, and ends with the section', async (t) => {
  const text = 'GET / HTTP/1.1\r\nCookie:\t a=b; c\r\nHost: x\r\n\r\nCookie: body';
  t.same(mask(defaultRedactNames, text), {
    masked: 'GET / HTTP/1.1\r\nCookie:\t ******\r\nHost: x\r\n\r\n',
    ended: true,
  });
  t.same(mask([], text).masked, text.slice(0, text.indexOf('Cookie: body')), 'no names: nothing is masked');
});

t.test('random sections are masked as the reference says', async (t) => {
  const random = seededRandom(20_251_122);
  const sets = [defaultRedactNames, ['a', 'ab', 'abc'], [], ['X_Y', 'x-y-z', "!#$%&'*+-.^_`|~"]];
  let differing = 0;
  let endings = 0;
  for (let i = 0; i < 20_000 && differing === 0; i++) {
    const names = sets[i % sets.length] ?? [];
    const text = randomSection(random, names);
    const got = mask(names, text);
    const want = maskReference(names, text);
    endings += want.ended ? 1 : 0;
    if (got.masked === want.masked && got.ended === want.ended) continue;
    differing++;
    t.same(got, want, JSON.stringify(text));
  }
  t.equal(differing, 0);
  t.ok(endings > 1000, 'the sections are not all cut short');
});

t.test('names that no header can have are refused in one line', async (t) => {
  for (const name of ['', 'Cookie:', 'X Key', 'Ünlaut', 'a\n']) {
    t.throws(() => buildAutomaton([name]), { code: 'CONFIG_INVALID', message: /cannot be the name of a header/ });
  }
});
