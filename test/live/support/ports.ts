// SPDX-License-Identifier: Apache-2.0
/** Ports of the service that tests use and attack. */
export const ports = { echo: 7, sink: 9, names: 53, web: 80 } as const;

/** Bytes of its large page. */
export const LARGE = 32 * 1024 * 1024;
