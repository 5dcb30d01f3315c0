// SPDX-License-Identifier: Apache-2.0
// Classtypes with their descriptions and priorities, and reference systems with their URLs.

import type { Problem, RuleSource } from './ast.js';

export interface Classification {
  readonly description: string;
  readonly priority: number;
}

export type Classifications = ReadonlyMap<string, Classification>;

/** Priority of a rule whose classtype is missing or unknown. */
export const DEFAULT_PRIORITY = 3;

/** What a stock classification.config of Suricata says. */
export const standardClassifications: Classifications = new Map(
  Object.entries({
    'not-suspicious': ['Not Suspicious Traffic', 3],
    unknown: ['Unknown Traffic', 3],
    'bad-unknown': ['Potentially Bad Traffic', 2],
    'attempted-recon': ['Attempted Information Leak', 2],
    'successful-recon-limited': ['Information Leak', 2],
    'successful-recon-largescale': ['Large Scale Information Leak', 2],
    'attempted-dos': ['Attempted Denial of Service', 2],
    'successful-dos': ['Denial of Service', 2],
    'attempted-user': ['Attempted User Privilege Gain', 1],
    'unsuccessful-user': ['Unsuccessful User Privilege Gain', 1],
    'successful-user': ['Successful User Privilege Gain', 1],
    'attempted-admin': ['Attempted Administrator Privilege Gain', 1],
    'successful-admin': ['Successful Administrator Privilege Gain', 1],
    'rpc-portmap-decode': ['Decode of an RPC Query', 2],
    'shellcode-detect': ['Executable code was detected', 1],
    'string-detect': ['A suspicious string was detected', 3],
    'suspicious-filename-detect': ['A suspicious filename was detected', 2],
    'suspicious-login': ['An attempted login using a suspicious username was detected', 2],
    'system-call-detect': ['A system call was detected', 2],
    'tcp-connection': ['A TCP connection was detected', 4],
    'trojan-activity': ['A Network Trojan was detected', 1],
    'unusual-client-port-connection': ['A client was using an unusual port', 2],
    'network-scan': ['Detection of a Network Scan', 3],
    'denial-of-service': ['Detection of a Denial of Service Attack', 2],
    'non-standard-protocol': ['Detection of a non-standard protocol or event', 2],
    'protocol-command-decode': ['Generic Protocol Command Decode', 3],
    'web-application-activity': ['access to a potentially vulnerable web application', 2],
    'web-application-attack': ['Web Application Attack', 1],
    'misc-activity': ['Misc activity', 3],
    'misc-attack': ['Misc Attack', 2],
    'icmp-event': ['Generic ICMP event', 3],
    'inappropriate-content': ['Inappropriate Content was Detected', 1],
    'policy-violation': ['Potential Corporate Privacy Violation', 1],
    'default-login-attempt': ['Attempt to login by a default username and password', 2],
    'targeted-activity': ['Targeted Malicious Activity was Detected', 1],
    'exploit-kit': ['Exploit Kit Activity Detected', 1],
    'external-ip-check': ['Device Retrieving External IP Address Detected', 2],
    'domain-c2': ['Domain Observed Used for C2 Detected', 1],
    'pup-activity': ['Possibly Unwanted Program Detected', 2],
    'credential-theft': ['Successful Credential Theft Detected', 1],
    'social-engineering': ['Possible Social Engineering Attempted', 2],
    'coin-mining': ['Crypto Currency Mining Activity Detected', 2],
    'command-and-control': ['Malware Command and Control Activity Detected', 1],
  } as const).map(([name, [description, priority]]) => [name, { description, priority }]),
);

/** Calls `visit` with each line that is neither blank nor a comment; what it returns is reported. */
export function eachSetting(
  source: RuleSource,
  visit: (text: string) => { cause: string; remedy: string } | undefined,
): Problem[] {
  const problems: Problem[] = [];
  source.text
    .replace(/^\ufeff/, '')
    .split('\n')
    .forEach((raw, i) => {
      const text = raw.trim();
      if (text === '' || text.startsWith('#')) return;
      const wrong = visit(text);
      if (wrong)
        problems.push({ severity: 'error', file: source.file, line: i + 1, column: raw.indexOf(text) + 1, ...wrong });
    });
  return problems;
}

/** Reads a classification.config: `config classification: name,description,priority` lines. */
export function parseClassifications(source: RuleSource): {
  classifications: Classifications;
  problems: readonly Problem[];
} {
  const found = new Map<string, Classification>();
  const problems = eachSetting(source, (text) => {
    const match = /^config\s+classification\s*:\s*([A-Za-z][\w-]*)\s*,\s*([^,]+?)\s*,\s*(\d{1,3})$/.exec(text);
    const [, name = '', description = '', priority = '0'] = match ?? [];
    if (Number(priority) < 1 || Number(priority) > 255) {
      const remedy = 'write config classification: name,description,priority with a priority from 1 to 255';
      return { cause: 'not a classification', remedy };
    }
    found.set(name.toLowerCase(), { description, priority: Number(priority) });
    return undefined;
  });
  return { classifications: found, problems };
}

/** Reads a reference.config: `config reference: system URL` lines; systems in lower case. */
export function parseReferences(source: RuleSource): {
  systems: ReadonlyMap<string, string>;
  problems: readonly Problem[];
} {
  const systems = new Map<string, string>();
  const problems = eachSetting(source, (text) => {
    const match = /^config\s+reference\s*:\s*([A-Za-z][\w-]*)\s+(\S+)$/.exec(text);
    if (!match) return { cause: 'not a reference system', remedy: 'write config reference: system URL' };
    systems.set((match[1] ?? '').toLowerCase(), match[2] ?? '');
    return undefined;
  });
  return { systems, problems };
}
