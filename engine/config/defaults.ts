// SPDX-License-Identifier: Apache-2.0
// Where things are unless the configuration says otherwise; apart from the schema, so that the CLI can name them cheaply.

export const DEFAULT_SOCKET = '/run/ids/ids.sock';
export const DEFAULT_STATE_DIR = '/var/lib/ids';
export const DEFAULT_PIN_DIR = '/sys/fs/bpf/ids';
