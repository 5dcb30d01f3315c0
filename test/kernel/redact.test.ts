// SPDX-License-Identifier: Apache-2.0
// No secret leaves the kernel: the memory of the ring is searched for them.

import t from 'tap';
import { ControlFlag, HttpFlag, L7Limit, StructureLayout } from '../../common/abi.gen.js';
import { defaultRedactNames } from '../../engine/layer7/structure/names.js';
import { hiddenCases, hiddenParameters, plainCases } from '../helpers/mask-cases.js';
import { maskReference } from '../helpers/mask-reference.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { randomSection, seededRandom } from '../helpers/random-section.js';
import { Conversation } from './support/conversation.js';
import { openHttpRig, ringMemory, segment, structure } from './support/http-rig.js';
import type { Rig } from './support/rig.js';

const when = { skip: whyUnprivileged() ?? false };

function handedOver(rig: Rig, text: string): string {
  rig.push(segment(text));
  const [seen] = rig.drain().http;
  return Buffer.from(seen?.section ?? []).toString('latin1');
}

t.test('secrets are masked before they reach the ring', when, async (t) => {
  const rig = openHttpRig(t);
  for (const [name, text, secret] of hiddenCases) {
    const section = handedOver(rig, text);
    t.ok(section.length > 15, `${name}: handed over`);
    t.notOk(section.includes(secret), name);
    t.equal(section, maskReference(defaultRedactNames, text).masked, name);
  }
  for (const [name, text, secret] of hiddenParameters) t.notOk(handedOver(rig, text).includes(secret), name);
  t.notOk(ringMemory(rig).includes('S3CRET'), 'nowhere in the ring');
  for (const [name, text, visible] of plainCases) t.ok(handedOver(rig, text).includes(visible), name);
});

t.test('and so they are when name and value are split over segments, at every byte', when, async (t) => {
  const rig = openHttpRig(t);
  const text = 'GET /?token=S3CRET&a=b HTTP/1.1\r\nHost: a\r\nAuthorization: Basic S3CRET\r\nX: y\r\n\r\n';
  const bytes = Buffer.from(text);
  for (let cut = 0; cut < text.length; cut++) {
    const { http } = Conversation.open(rig).send(0, bytes, cut === 0 ? [...bytes.keys()] : [cut]);
    const [one, ...more] = http;
    t.equal(more.length, 0);
    const masked = Buffer.from(one?.section ?? []).toString();
    if (masked !== text.replace('Basic S3CRET', '*'.repeat(12)).replace('S3CRET', '*'.repeat(6))) t.fail(masked);
    t.equal(one?.record.masked, 2);
  }
  t.notOk(ringMemory(rig).includes('S3CRET'));
});

t.test('the search would find them', when, async (t) => {
  const rig = openHttpRig(t);
  rig.kernel.control.update({ flags: ControlFlag.CONTROL_MIDSTREAM });
  t.match(handedOver(rig, 'GET / HTTP/1.1\r\nCookie: S3CRET\r\n\r\nbody'), /Cookie: S3CRET\r\n\r\n$/, 'redaction off');
  t.ok(ringMemory(rig).includes('S3CRET'));
});

t.test('random sections come out as the reference says', when, async (t) => {
  const rig = openHttpRig(t);
  const random = seededRandom(77);
  let differing = 0;
  for (let i = 0; i < 4000 && differing === 0; i++) {
    const text = `GET / HTTP/1.1\r\n${randomSection(random, defaultRedactNames)}`;
    const got = handedOver(rig, text);
    const want = maskReference(defaultRedactNames, text).masked;
    if (got === want) continue;
    differing++;
    t.equal(got, want, JSON.stringify(text));
  }
  t.equal(differing, 0);
});

t.test('a secret at every place of the capture is masked', when, async (t) => {
  const rig = openHttpRig(t);
  let leaked = 0;
  for (let fill = 0; fill < 70; fill++) {
    for (const at of [0, L7Limit.SECTION_MAX - 96]) {
      const text = `GET / HTTP/1.1\r\nX: ${'x'.repeat(fill + at)}\r\nAuthorization: S3CRET\r\nHost: a\r\n\r\nS3CRET`;
      const got = handedOver(rig, text);
      const want = maskReference(defaultRedactNames, text.slice(0, L7Limit.SECTION_MAX)).masked;
      leaked += Number(got.includes('S')) + Number(got !== want);
    }
  }
  t.equal(leaked, 0);
});

const full =
  'GET /path?a=H6DE HTTP/1.1\r\nHost: H0ST\r\nX-Any : H1DE\r\n H2DE\r\nNoColon H3DE\r\nCookie:H4DE\rH5DE\r\n\r\nBODY';

t.test('without a table every value is masked', when, async (t) => {
  const rig = openHttpRig(t, null);
  t.equal(
    handedOver(rig, full),
    'GET /path?****** ********\r\nHost: ****\r\nX-Any * ****\r\n ****\r\nNoColon ****\r\nCookie:****\r****\r\n\r\n',
  );
  const seen = rig.send(segment(full)).http[0];
  t.ok((seen?.record.flags ?? 0) & HttpFlag.HTTP_REDACTED);
  for (const [name, text, secret] of [...hiddenCases, ...hiddenParameters]) {
    t.notOk(handedOver(rig, text).includes(secret), name);
  }
  t.notMatch(ringMemory(rig), /S3CRET|H\dDE|H0ST|BODY/);
  rig.kernel.control.update({ flags: ControlFlag.CONTROL_MIDSTREAM });
  t.equal(handedOver(rig, full), full.slice(0, -4), 'redaction off needs no table');
  rig.kernel.writeStructure(structure());
  t.match(handedOver(rig, full), /H0ST/);
});

t.test('a table that is half written masks every value', when, async (t) => {
  const rig = openHttpRig(t, null);
  const table = structure();
  const parts: Record<string, (half: Uint8Array) => void> = {
    'classes alone': (half) => half.fill(0, StructureLayout.next),
    'transitions alone': (half) => half.fill(0, StructureLayout.byteClass, StructureLayout.byteClass + 256),
    'the first states alone': (half) => half.fill(0, StructureLayout.next + 2 * L7Limit.STRUCTURE_CLASSES * 5),
  };
  for (const [name, clear] of Object.entries(parts)) {
    const half = table.slice();
    clear(half);
    rig.kernel.writeStructure(half);
    t.notMatch(handedOver(rig, full), /H0ST|H\dDE/, name);
  }
  rig.kernel.writeStructure(new Uint8Array(StructureLayout.SIZE));
  t.notMatch(handedOver(rig, full), /H0ST|H\dDE/, 'cleared');
});
