// SPDX-License-Identifier: Apache-2.0
// Every error code, with the exit status of the CLI and its meaning. docs/errors.md lists the same codes; a test compares.

/** Exit status of the CLI: 1 no / not found / partly, 2 bad usage or input, 3 daemon unreachable, 4 privilege or kernel. */
export interface CodeInfo {
  readonly exit: 1 | 2 | 3 | 4;
  readonly meaning: string;
}

export const errorCodes = {
  INTERNAL: { exit: 1, meaning: 'something that must not happen happened; a defect of ids' },
  NOT_FOUND: { exit: 1, meaning: 'the thing asked for does not exist' },
  USAGE: { exit: 2, meaning: 'the command line was wrong' },
  ADDRESS_INVALID: { exit: 2, meaning: 'a text is not an IP address or prefix' },
  DURATION_INVALID: { exit: 2, meaning: 'a text is not a duration such as 90s, 15m, 1h or 7d' },
  SIZE_INVALID: { exit: 2, meaning: 'a text is not a size such as 64KiB, 100MiB or 2GiB' },
  CONFIG_INVALID: { exit: 2, meaning: 'the configuration file has an error' },
  CONFIG_UNREADABLE: { exit: 2, meaning: 'the configuration file cannot be read' },
  FILE_UNREADABLE: { exit: 2, meaning: 'a file named on the command line cannot be read' },
  RULES_INVALID: { exit: 2, meaning: 'rule files have errors and nothing was loaded' },
  PREFIX_REFUSED: { exit: 2, meaning: 'the prefix would lock somebody out or covers too much' },
  LIST_FULL: { exit: 1, meaning: 'the list has no room for more entries' },
  LIST_INVALID: { exit: 2, meaning: 'a list of addresses is malformed, too large or no list' },
  CONFIRM_PENDING: { exit: 1, meaning: 'an earlier change still waits for ids confirm' },
  FEED_FAILED: { exit: 1, meaning: 'a feed could not be fetched or was not taken; its old content stays' },
  UPDATE_REFUSED: { exit: 1, meaning: 'rules of a source could not be taken; the generation in force stays' },
  CAPTURE_INVALID: { exit: 2, meaning: 'a capture file is malformed' },
  EXPECTATION_INVALID: { exit: 2, meaning: 'a file of expectations for rules has a mistake' },
  FRAME_INVALID: { exit: 2, meaning: 'a frame is too short or too long to be judged' },
  DAEMON_UNREACHABLE: { exit: 3, meaning: 'no daemon answers on the control socket' },
  DAEMON_RUNNING: { exit: 1, meaning: 'another daemon already runs with this socket or state' },
  DAEMON_BUSY: { exit: 1, meaning: 'the daemon is at work on another whole list' },
  DAEMON_FAILED: { exit: 1, meaning: 'the daemon answered with a failure' },
  PRIVILEGE: { exit: 4, meaning: 'the command needs privileges that the caller lacks' },
  KERNEL_FEATURE: { exit: 4, meaning: 'the kernel lacks a feature that is needed' },
  LIBRARY_MISSING: { exit: 4, meaning: 'a shared library that is needed is not installed' },
  SYSCALL: { exit: 4, meaning: 'a call into the kernel or libbpf failed' },
  OBJECT_INVALID: { exit: 4, meaning: 'the BPF object file is damaged or not one' },
  ABI_MISMATCH: { exit: 4, meaning: 'the BPF object and this program were built from different sources' },
  INTERFACE_MISSING: { exit: 2, meaning: 'the network interface does not exist' },
  INTERFACE_BUSY: { exit: 4, meaning: 'another XDP program holds the interface' },
  PIN_FOREIGN: { exit: 4, meaning: 'the pin directory belongs to somebody else' },
  STORE_FAILED: { exit: 1, meaning: 'the embedded store failed' },
  AUDIT_FAILED: { exit: 1, meaning: 'the audit log or its key cannot be used' },
  METRICS_FAILED: { exit: 1, meaning: 'the metrics endpoint cannot be opened' },
  OUTPUT_FAILED: { exit: 1, meaning: 'an output could not be opened' },
} as const satisfies Record<string, CodeInfo>;

export type ErrorCode = keyof typeof errorCodes;
