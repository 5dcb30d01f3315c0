// SPDX-License-Identifier: Apache-2.0
// The one file that knows koffi: every C function that is called, declared once. Nothing here decides anything.

import koffi from 'koffi';
import { IdsError, messageOf } from '../../common/errors.js';

/** A C pointer: an address, memory of ours, or NULL. */
export type Pointer = bigint | ArrayBufferView | null;

type Fn = (...args: never[]) => unknown;

/** Opens a library once a thread; importing this file alone loads nothing. */
function library<T extends Record<string, Fn>>(
  file: string,
  install: string,
  signatures: Record<keyof T, string>,
): () => T {
  let loaded: T | undefined;
  const load = (): T => {
    try {
      const handle = koffi.load(file);
      const entries = Object.entries(signatures).map(([name, signature]) => [name, handle.func(signature)] as const);
      return Object.fromEntries(entries) as unknown as T;
    } catch (cause) {
      throw new IdsError('LIBRARY_MISSING', `${file} cannot be used: ${messageOf(cause)}; install it: ${install}`, {
        cause,
      });
    }
  };
  return () => (loaded ??= load());
}

koffi.struct('ids_open_opts', {
  ...{
    sz: 'size_t',
    object_name: 'const char *',
    relaxed_maps: 'bool',
    pin_root_path: 'const char *',
    stub: 'uint32_t',
  },
  ...{ kconfig: 'const char *', btf_custom_path: 'const char *', kernel_log_buf: 'void *', kernel_log_size: 'size_t' },
  kernel_log_level: 'uint32_t',
});
koffi.struct('ids_map_opts', {
  ...{ sz: 'size_t', btf_fd: 'uint32_t', btf_key_type_id: 'uint32_t', btf_value_type_id: 'uint32_t' },
  ...{ btf_vmlinux_value_type_id: 'uint32_t', inner_map_fd: 'uint32_t', map_flags: 'uint32_t', map_extra: 'uint64_t' },
  ...{ numa_node: 'uint32_t', map_ifindex: 'uint32_t' },
});
koffi.struct('ids_batch_opts', { sz: 'size_t', elem_flags: 'uint64_t', flags: 'uint64_t' });
// Of the options of a link only the flags: libbpf takes the members beyond `sz` as absent.
koffi.struct('ids_link_opts', { sz: 'size_t', flags: 'uint32_t' });
koffi.struct('ids_tc_hook', { sz: 'size_t', ifindex: 'int', attach_point: 'int', parent: 'uint32_t' });

export interface TcHook {
  sz: number;
  ifindex: number;
  /** BPF_TC_INGRESS 1, EGRESS 2 */
  attach_point: number;
  parent: number;
}

export interface OpenOpts {
  sz: number;
  object_name: string;
  kernel_log_buf: Pointer;
  kernel_log_size: number;
}

// A type, not an interface: it must be assignable to a record of functions.
export type Libbpf = {
  setPrint(fn: null): Pointer;
  objectOpen(bytes: Pointer, size: number, opts: OpenOpts): bigint | null;
  objectLoad(object: bigint): number;
  objectClose(object: bigint): void;
  objectNextMap(object: bigint, previous: bigint | null): bigint | null;
  objectNextProgram(object: bigint, previous: bigint | null): bigint | null;
  objectBtf(object: bigint): bigint | null;
  btfRaw(btf: bigint, size: Uint32Array): bigint | null;
  mapName(map: bigint): string;
  mapFd(map: bigint): number;
  mapSetPinPath(map: bigint, path: string | null): number;
  mapSetMaxEntries(map: bigint, entries: number): number;
  mapInitialValue(map: bigint, size: BigUint64Array): bigint | null;
  programName(program: bigint): string;
  programFd(program: bigint): number;
  programSetAutoload(program: bigint, load: boolean): number;
  mapCreate(
    type: number,
    name: string,
    key: number,
    value: number,
    entries: number,
    opts: { sz: number; map_flags: number; inner_map_fd?: number },
  ): number;
  mapLookup(fd: number, key: Pointer, value: Pointer): number;
  mapUpdate(fd: number, key: Pointer, value: Pointer, flags: number): number;
  mapDelete(fd: number, key: Pointer): number;
  mapLookupBatch(
    fd: number,
    from: Pointer,
    next: Pointer,
    keys: Pointer,
    values: Pointer,
    count: Uint32Array,
    opts: null,
  ): number;
  mapUpdateBatch(
    fd: number,
    keys: Pointer,
    values: Pointer,
    count: Uint32Array,
    opts: { sz: number; elem_flags: number } | null,
  ): number;
  mapDeleteBatch(fd: number, keys: Pointer, count: Uint32Array, opts: null): number;
  mapFdById(id: number): number;
  progLoad(type: number, name: string, license: string, insns: Pointer, count: bigint | number, opts: null): number;
  testRun(fd: number, opts: Pointer): number;
  objPin(fd: number, path: string): number;
  objGet(path: string): number;
  objInfo(fd: number, info: Pointer, size: Uint32Array): number;
  enableStats(type: number): number;
  linkCreate(program: number, target: number, type: number, opts: { sz: number; flags: number }): number;
  linkUpdate(link: number, program: number, opts: null): number;
  linkDetach(link: number): number;
  progQuery(target: number, type: number, flags: number, attached: null, ids: Uint32Array, count: Uint32Array): number;
  tcHookCreate(hook: TcHook): number;
  tcHookDestroy(hook: TcHook): number;
  tcAttach(hook: TcHook, opts: Pointer): number;
  tcDetach(hook: TcHook, opts: Pointer): number;
  tcQuery(hook: TcHook, opts: Pointer): number;
  xdpQuery(ifindex: number, flags: number, opts: Pointer): number;
  cpus(): number;
};

export const libbpf = library<Libbpf>('libbpf.so.1', 'apt install libbpf1', {
  setPrint: 'void *libbpf_set_print(void *fn)',
  objectOpen: 'void *bpf_object__open_mem(const void *bytes, size_t size, const ids_open_opts *opts)',
  objectLoad: 'int bpf_object__load(void *object)',
  objectClose: 'void bpf_object__close(void *object)',
  objectNextMap: 'void *bpf_object__next_map(const void *object, const void *previous)',
  objectNextProgram: 'void *bpf_object__next_program(const void *object, void *previous)',
  objectBtf: 'void *bpf_object__btf(const void *object)',
  btfRaw: 'void *btf__raw_data(const void *btf, void *size)',
  mapName: 'const char *bpf_map__name(const void *map)',
  mapFd: 'int bpf_map__fd(const void *map)',
  mapSetPinPath: 'int bpf_map__set_pin_path(void *map, const char *path)',
  mapSetMaxEntries: 'int bpf_map__set_max_entries(void *map, uint32_t entries)',
  mapInitialValue: 'void *bpf_map__initial_value(void *map, void *size)',
  programName: 'const char *bpf_program__name(const void *program)',
  programFd: 'int bpf_program__fd(const void *program)',
  programSetAutoload: 'int bpf_program__set_autoload(void *program, bool load)',
  mapCreate:
    'int bpf_map_create(int type, const char *name, uint32_t key, uint32_t value, uint32_t entries, const ids_map_opts *opts)',
  mapLookup: 'int bpf_map_lookup_elem(int fd, const void *key, void *value)',
  mapUpdate: 'int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)',
  mapDelete: 'int bpf_map_delete_elem(int fd, const void *key)',
  mapLookupBatch:
    'int bpf_map_lookup_batch(int fd, void *from, void *next, void *keys, void *values, void *count, const ids_batch_opts *opts)',
  mapUpdateBatch:
    'int bpf_map_update_batch(int fd, const void *keys, const void *values, void *count, const ids_batch_opts *opts)',
  mapDeleteBatch: 'int bpf_map_delete_batch(int fd, const void *keys, void *count, const ids_batch_opts *opts)',
  mapFdById: 'int bpf_map_get_fd_by_id(uint32_t id)',
  progLoad:
    'int bpf_prog_load(int type, const char *name, const char *license, const void *insns, size_t count, const void *opts)',
  testRun: 'int bpf_prog_test_run_opts(int fd, void *opts)',
  objPin: 'int bpf_obj_pin(int fd, const char *path)',
  objGet: 'int bpf_obj_get(const char *path)',
  objInfo: 'int bpf_obj_get_info_by_fd(int fd, void *info, void *size)',
  enableStats: 'int bpf_enable_stats(int type)',
  linkCreate: 'int bpf_link_create(int program, int target, int type, const ids_link_opts *opts)',
  linkUpdate: 'int bpf_link_update(int link, int program, const void *opts)',
  linkDetach: 'int bpf_link_detach(int link)',
  progQuery: 'int bpf_prog_query(int target, int type, uint32_t flags, void *attached, void *ids, void *count)',
  tcHookCreate: 'int bpf_tc_hook_create(ids_tc_hook *hook)',
  tcHookDestroy: 'int bpf_tc_hook_destroy(ids_tc_hook *hook)',
  tcAttach: 'int bpf_tc_attach(const ids_tc_hook *hook, void *opts)',
  tcDetach: 'int bpf_tc_detach(const ids_tc_hook *hook, const void *opts)',
  tcQuery: 'int bpf_tc_query(const ids_tc_hook *hook, void *opts)',
  xdpQuery: 'int bpf_xdp_query(int ifindex, int flags, void *opts)',
  cpus: 'int libbpf_num_possible_cpus()',
});

export type Libc = {
  mmap(address: null, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: bigint, length: number): number;
  dup(fd: number, command: number, from: number): number;
  close(fd: number): number;
  read(fd: number, bytes: Pointer, size: number): number;
  write(fd: number, bytes: Pointer, size: number): number;
  eventfd(value: number, flags: number): number;
  epollCreate(flags: number): number;
  epollControl(epoll: number, operation: number, fd: number, event: Pointer): number;
  epollWait(epoll: number, events: Pointer, max: number, timeoutMs: number): number;
  clock(clock: number, time: Pointer): number;
  ifIndex(name: string): number;
  ifName(index: number, name: Pointer): Pointer;
  socket(family: number, type: number, protocol: number): number;
  sendTo(fd: number, bytes: Pointer, size: number, flags: number, address: Pointer, length: number): number;
  getSockOpt(fd: number, level: number, name: number, value: Pointer, size: Uint32Array): number;
  ioctl(fd: number, request: number, argument: Pointer): number;
  sysconf(name: number): number;
  mallocTrim(keep: number): number;
  mount(source: string, target: string, type: string, flags: number, data: null): number;
  flock(fd: number, operation: number): number;
  setns(fd: number, type: number): number;
  /** sched_setattr and sched_getattr, which libc has no functions for; the last argument is the latter's alone. */
  scheduler(call: number, thread: number, attributes: Pointer, size: number, flags: number): number;
};

export const libc = library<Libc>('libc.so.6', 'glibc is needed: use a Debian or Ubuntu system', {
  mmap: 'void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)',
  munmap: 'int munmap(void *address, size_t length)',
  dup: 'int fcntl(int fd, int command, int from)',
  close: 'int close(int fd)',
  read: 'int64_t read(int fd, void *bytes, size_t size)',
  write: 'int64_t write(int fd, const void *bytes, size_t size)',
  eventfd: 'int eventfd(unsigned int value, int flags)',
  epollCreate: 'int epoll_create1(int flags)',
  epollControl: 'int epoll_ctl(int epoll, int operation, int fd, void *event)',
  epollWait: 'int epoll_wait(int epoll, void *events, int max, int timeout)',
  clock: 'int clock_gettime(int clock, void *time)',
  ifIndex: 'unsigned int if_nametoindex(const char *name)',
  ifName: 'void *if_indextoname(unsigned int index, void *name)',
  socket: 'int socket(int family, int type, int protocol)',
  sendTo: 'int64_t sendto(int fd, const void *bytes, size_t size, int flags, const void *address, uint32_t length)',
  getSockOpt: 'int getsockopt(int fd, int level, int name, void *value, void *size)',
  ioctl: 'int ioctl(int fd, unsigned long request, void *argument)',
  sysconf: 'long sysconf(int name)',
  mallocTrim: 'int malloc_trim(size_t keep)',
  flock: 'int flock(int fd, int operation)',
  setns: 'int setns(int fd, int type)',
  scheduler: 'long syscall(long call, int thread, void *attributes, unsigned int size, unsigned int flags)',
  mount: 'int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)',
});

/** Bytes of the option structs that begin with their own size. */
export const optSize = {
  open: koffi.sizeof('ids_open_opts'),
  map: koffi.sizeof('ids_map_opts'),
  batch: koffi.sizeof('ids_batch_opts'),
  // Up to the end of `flags`; libbpf refuses what is larger than it knows and not zero.
  link: koffi.offsetof('ids_link_opts', 'flags') + 4,
  tcHook: koffi.sizeof('ids_tc_hook'),
} as const;

/** errno of this thread's last call. */
export function errno(): number {
  return koffi.errno();
}

/** The memory at an address as it is, not a copy. Nothing may touch it once it is unmapped. */
export function viewOf(address: bigint, length: number): ArrayBuffer {
  return koffi.view(address, length);
}

/** The address of memory of ours. It stays valid while `memory` lives: it must not be a small typed array, which V8 may move. */
export function addressOf(memory: ArrayBuffer): bigint {
  return koffi.address(new Uint8Array(memory));
}
