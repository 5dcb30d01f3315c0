// SPDX-License-Identifier: Apache-2.0
// Datagrams to a unix socket, which Node has no words for: who can send them hands the way in.

/** Sends datagrams to one path, never waiting. */
export interface UnixDatagrams {
  /** Undefined if the receiver's queue has it, else the name of the error: EAGAIN for a full queue, ENOENT … */
  send(message: Uint8Array): string | undefined;
  close(): void;
}

/** What a sink may use of the system beyond Node. */
export interface Platform {
  /** @throws if there is no socket to be had */
  datagrams?(path: string): UnixDatagrams;
}
