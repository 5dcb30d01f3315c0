// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { IdsError } from '../../../../common/errors.js';
import { callFailed, check, checkPointer, errnoText } from '../../../../engine/bpf/check.js';
import { compareFacts } from '../../../../engine/bpf/object.js';
import { abi } from '../../../../common/abi.gen.js';

t.test('a failed call names what was tried, errno and what to do', async (t) => {
  t.equal(check(0, 'pass'), 0);
  t.equal(check(7, 'pass'), 7);
  t.throws(() => check(-12, 'create map x'), {
    code: 'SYSCALL',
    message: /^cannot create map x: ENOMEM \(not enough memory\); free memory/,
    details: { call: 'create map x', errno: 'ENOMEM' },
  });
  t.equal(callFailed(1, 'load').code, 'PRIVILEGE');
  t.equal(callFailed(13, 'load').code, 'PRIVILEGE');
  t.equal(
    callFailed(22, 'load', { code: 'KERNEL_FEATURE', remedy: 'use another' }).message,
    'cannot load: EINVAL (invalid argument); use another',
  );
  t.same(errnoText(524), { name: 'ENOTSUPP', text: 'operation not supported by the kernel' });
  t.match(errnoText(4005).name, '4005', 'numbers of libbpf itself');
});

t.test('pointers: NULL and MAP_FAILED are failures', async (t) => {
  t.equal(checkPointer(4096n, 'map'), 4096n);
  for (const bad of [null, 0n, 2n ** 64n - 1n]) t.throws(() => checkPointer(bad, 'map memory'), IdsError);
});

t.test('facts that differ are named: struct, field, both values', async (t) => {
  t.doesNotThrow(() => compareFacts(abi, 'x.o'));
  const moved = { ...abi, structs: { ...abi.structs, ids_entry4: { ...abi.structs.ids_entry4, size: 20 } } };
  t.throws(() => compareFacts(moved, 'x.o'), {
    code: 'ABI_MISMATCH',
    details: { name: 'ids_entry4', field: 'size', expected: '12', found: '20' },
  });
  const renumbered = {
    ...abi,
    enums: { ...abi.enums, ids_verdict: { ...abi.enums.ids_verdict, IDS_VERDICT_DROP: 9 } },
  };
  t.throws(() => compareFacts(renumbered, 'x.o'), { message: /ids_verdict\.IDS_VERDICT_DROP is 9 there, 1 here/ });
  const { ids_cuts: _gone, ...maps } = abi.maps;
  t.throws(() => compareFacts({ ...abi, maps }, 'x.o'), { message: /ids_cuts is nothing there/ });
});
