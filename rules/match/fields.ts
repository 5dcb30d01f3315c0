// SPDX-License-Identifier: Apache-2.0
// The careful reader of header fields: bare LF, folded lines, repeated names, loose spacing, lines without a colon.

const LF = 10;
const CR = 13;
const SPACE = 0x20;
const TAB = 9;
const COLON = 0x3a;
const COLON_SPACE = Buffer.from(': ');
const END_OF_LINE = Buffer.from('\r\n');
/** Repetitions of one name that are joined; further ones are left out (Suricata's bound). */
const MAX_REPEATED = 64;

interface FieldLine {
  readonly name: Uint8Array;
  readonly values: Uint8Array[];
  /** ", " between repeated fields, " " between folded lines. */
  readonly glue: string[];
}

export interface Fields {
  /** http.header, without the lines of the name `left` (in lower case). */
  section(left: string): Uint8Array;
  /** `Name: value` of each name, in order. */
  lines(): readonly Uint8Array[];
  /** CR LF, the names in order with CR LF behind each, CR LF; empty without a line. */
  names(): Uint8Array;
  /** Value by name in lower case. */
  get(name: string): Uint8Array | undefined;
}

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;

function trim(bytes: Uint8Array, from: number, to: number): Uint8Array {
  let [start, end] = [from, to];
  while (start < end && isBlank(bytes[start])) start++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  return bytes.subarray(start, end);
}

function lower(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1').toLowerCase();
}

function join(field: FieldLine): Uint8Array {
  const [first] = field.values;
  if (first !== undefined && field.values.length === 1) return first;
  return Buffer.concat(
    field.values.flatMap((value, i) => (i === 0 ? [value] : [Buffer.from(field.glue[i - 1] ?? ''), value])),
  );
}

/** Reads the fields from `from` to the empty line or the end. */
export function readFields(bytes: Uint8Array, from: number): Fields {
  const order: FieldLine[] = [];
  const byName = new Map<string, FieldLine>();
  let last: FieldLine | undefined;
  for (let at = from; at < bytes.length;) {
    let next = bytes.indexOf(LF, at);
    if (next < 0) next = bytes.length;
    const end = next > at && bytes[next - 1] === CR ? next - 1 : next;
    if (end === at) break;
    if (isBlank(bytes[at]) && last !== undefined) {
      // RFC 9112 section 5.2: a line that begins with white space continues the value before it.
      last.values.push(trim(bytes, at, end));
      last.glue.push(' ');
    } else {
      last = addLine(bytes, at, end, order, byName);
    }
    at = next + 1;
  }
  return {
    section: (left) => sectionOf(order, left),
    lines: () => order.map((field) => Buffer.concat([field.name, COLON_SPACE, join(field)])),
    names: () => namesOf(order),
    get: (name) => valueOf(byName.get(name)),
  };
}

function namesOf(order: readonly FieldLine[]): Uint8Array {
  if (order.length === 0) return Buffer.alloc(0);
  return Buffer.concat([END_OF_LINE, ...order.flatMap(({ name }) => [name, END_OF_LINE]), END_OF_LINE]);
}

function valueOf(field: FieldLine | undefined): Uint8Array | undefined {
  return field === undefined ? undefined : join(field);
}

function addLine(
  bytes: Uint8Array,
  at: number,
  end: number,
  order: FieldLine[],
  byName: Map<string, FieldLine>,
): FieldLine {
  let colon = bytes.indexOf(COLON, at);
  // Without a colon the whole line is the value of a nameless field.
  if (colon < 0 || colon >= end) colon = at - 1;
  const name = trim(bytes, at, Math.max(at, colon));
  const value = trim(bytes, colon + 1, end);
  const key = lower(name);
  const known = byName.get(key);
  if (known === undefined) {
    const field: FieldLine = { name, values: [value], glue: [] };
    order.push(field);
    byName.set(key, field);
    return field;
  }
  if (known.values.length <= MAX_REPEATED) {
    known.values.push(value);
    known.glue.push(', ');
  }
  return known;
}

function sectionOf(order: readonly FieldLine[], left: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of order) {
    if (field.name.length === left.length && lower(field.name) === left) continue;
    parts.push(field.name, COLON_SPACE, join(field), END_OF_LINE);
  }
  return Buffer.concat(parts);
}
