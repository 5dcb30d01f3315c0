// SPDX-License-Identifier: Apache-2.0
// The blocklist service as the daemon has it, over pinned tables of a size for tests.

import { Kernel, now } from '../../../engine/bpf/index.js';
import { Allowlist, Blocklist, Guard, openListStore, type Clock } from '../../../engine/lists/index.js';
import { BlockTable, listSizes } from '../../../engine/lists/table/index.js';

export const sizes = {
  ...listSizes({ capacity4: 200_000, capacity6: 20_000 }),
  ids_events: 4096,
  ids_bulk: 4096,
};

const clock: Clock = { wallMs: () => Date.now(), bootSeconds: () => now() / 1e9 };

export function serviceOn(pinDir: string, file: string) {
  const kernel = Kernel.open({ pinDir, sizes });
  const table = BlockTable.open(kernel.listMemory());
  const store = openListStore(file);
  const allowlist = Allowlist.open({ table: kernel.allowlist, store, clock });
  const guard = new Guard({ allowlist, clock, exemptions: () => [] });
  const blocklist = Blocklist.open({
    tables: { blocklist: table, allowlist: kernel.allowlist, originHits: (origin) => kernel.originHits(origin) },
    store,
    clock,
    allowlist,
    guard,
    onError: (error) => {
      throw error;
    },
  });
  const close = (): void => {
    blocklist.close();
    guard.close();
    store.close();
    kernel.close();
  };
  return { kernel, table, store, blocklist, close };
}
