// SPDX-License-Identifier: Apache-2.0
// The blocklist service as the daemon has it, over pinned tables of a size for tests.

import { Kernel, now } from '../../../engine/bpf/index.js';
import { Allowlist, Blocklist, Guard, openListStore, type Clock, type Exemption } from '../../../engine/lists/index.js';
import { BlockTable, listSizes } from '../../../engine/lists/table/index.js';

export const sizes = {
  ...listSizes({ capacity4: 200_000, capacity6: 20_000 }),
  ids_events: 4096,
  ids_bulk: 4096,
};

const systemClock: Clock = { wallMs: () => Date.now(), bootSeconds: () => now() / 1e9 };

export interface ServiceOptions {
  readonly clock?: Clock;
  readonly exemptions?: () => readonly Exemption[];
}

export type Service = ReturnType<typeof serviceOver>;

/** The service over the tables of a kernel, which stays open when it is closed. */
export function serviceOver(kernel: Kernel, file: string, options: ServiceOptions = {}) {
  const { clock = systemClock, exemptions = () => [] } = options;
  const table = BlockTable.open(kernel.listMemory());
  const store = openListStore(file);
  const allowlist = Allowlist.open({ table: kernel.allowlist, store, clock });
  const guard = new Guard({ allowlist, clock, exemptions });
  const blocklist = Blocklist.open({
    tables: {
      blocklist: table,
      allowlist: kernel.allowlist,
      originHits: (origin) => kernel.originHits(origin),
      clearOriginHits: (origin) => kernel.clearOriginHits(origin),
    },
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
  };
  return { table, store, allowlist, guard, blocklist, close };
}

/** The service over tables that are pinned in a folder. */
export function serviceOn(pinDir: string, file: string) {
  const kernel = Kernel.open({ pinDir, sizes });
  const service = serviceOver(kernel, file);
  const close = (): void => {
    service.close();
    kernel.close();
  };
  return { ...service, kernel, close };
}
