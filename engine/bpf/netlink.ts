// SPDX-License-Identifier: Apache-2.0
// What rtnetlink alone tells about a link: its peer, in whatever network namespace that is, and the peer's XDP program;
// and whether it has filters.

import { check, closeFds } from './check.js';
import { libc } from './native.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOCK_NONBLOCK = 0x800;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWTFILTER = 44;
const RTM_GETTFILTER = 46;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
/** Where filters of a clsact queueing discipline are: ingress and egress. */
const CLSACT_PARENTS = [0xfffffff2, 0xfffffff3];
const HEADER = 16; // struct nlmsghdr
const BODY = 32; // and struct ifinfomsg behind it
const IFLA = { LINK: 5, EXT_MASK: 29, LINK_NETNSID: 37, XDP: 43, TARGET_NETNSID: 46 } as const;
const IFLA_XDP_ATTACHED = 2;
const RTEXT_FILTER_SKIP_STATS = 8;
const ATTACHED_DRV = 1;
const ATTACHED_MULTI = 4;
/** A link with all its attributes takes about 2 KB. */
const ANSWER = 65_536;

type Attributes = ReadonlyMap<number, DataView>;

function request(ifindex: number, netnsId: number | undefined): Uint8Array {
  const attributes = [[IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS] as const];
  const all = netnsId === undefined ? attributes : [...attributes, [IFLA.TARGET_NETNSID, netnsId] as const];
  const bytes = new Uint8Array(BODY + 8 * all.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, RTM_GETLINK, true);
  view.setUint16(6, NLM_F_REQUEST, true);
  view.setInt32(HEADER + 4, ifindex, true);
  all.forEach(([type, value], i) => {
    view.setUint16(BODY + 8 * i, 8, true);
    view.setUint16(BODY + 8 * i + 2, type, true);
    view.setInt32(BODY + 8 * i + 4, value, true);
  });
  return bytes;
}

/** The attributes between two offsets by type; what does not fit is left out. */
function attributesOf(view: DataView, from: number, to: number): Attributes {
  const found = new Map<number, DataView>();
  for (let at = from; at + 4 <= to;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > to) break;
    found.set(view.getUint16(at + 2, true) & 0x3fff, new DataView(view.buffer, view.byteOffset + at + 4, length - 4));
    at += (length + 3) & ~3;
  }
  return found;
}

/** What the kernel answers to one question; it does so within the call that asks: there is nothing to wait for. */
function ask(question: Uint8Array, what: string): DataView {
  // NETLINK_ROUTE is protocol 0.
  const fd = check(libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'open a netlink socket');
  try {
    const address = new Uint8Array(12);
    address[0] = AF_NETLINK;
    check(libc().sendTo(fd, question, question.length, 0, address, address.length), `ask for ${what}`);
    const answer = new Uint8Array(ANSWER);
    const size = check(libc().read(fd, answer, answer.length), `read about ${what}`);
    return new DataView(answer.buffer, 0, size);
  } finally {
    closeFds([fd]);
  }
}

/** One link; undefined if there is none or its namespace may not be asked. */
function linkAttributes(ifindex: number, netnsId?: number): Attributes | undefined {
  const view = ask(request(ifindex, netnsId), 'a network link');
  if (view.byteLength < BODY || view.getUint16(4, true) !== RTM_NEWLINK) return undefined;
  return attributesOf(view, BODY, Math.min(view.byteLength, view.getUint32(0, true)));
}

/** True if the clsact queueing discipline of an interface has a filter. */
export function hasFilters(ifindex: number): boolean {
  return CLSACT_PARENTS.some((parent) => {
    const question = new DataView(new ArrayBuffer(HEADER + 20));
    question.setUint32(0, question.byteLength, true);
    question.setUint16(4, RTM_GETTFILTER, true);
    question.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true);
    question.setInt32(HEADER + 4, ifindex, true);
    question.setUint32(HEADER + 12, parent, true);
    const answer = ask(new Uint8Array(question.buffer), 'filters');
    return answer.byteLength >= HEADER && answer.getUint16(4, true) === RTM_NEWTFILTER;
  });
}

const word = (value: DataView | undefined): number | undefined =>
  value !== undefined && value.byteLength >= 4 ? value.getInt32(0, true) : undefined;

/** True if the other end of a veth has an XDP program in native mode; false also where that cannot be known. */
export function peerHasXdp(ifindex: number): boolean {
  const own = linkAttributes(ifindex);
  const peer = word(own?.get(IFLA.LINK));
  if (peer === undefined || peer <= 0) return false;
  const xdp = linkAttributes(peer, word(own?.get(IFLA.LINK_NETNSID)))?.get(IFLA.XDP);
  if (xdp === undefined) return false;
  const attached = attributesOf(xdp, 0, xdp.byteLength).get(IFLA_XDP_ATTACHED);
  const mode = attached !== undefined && attached.byteLength > 0 ? attached.getUint8(0) : 0;
  return mode === ATTACHED_DRV || mode === ATTACHED_MULTI;
}
