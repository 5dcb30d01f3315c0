// SPDX-License-Identifier: Apache-2.0
// The variables that rules name: the stock ones of suricata.yaml, with what the configuration says over them.

import type { LanguageOptions } from '../../rules/index.js';
import { defaultRedaction } from '../layer7/structure/names.js';
import type { LanguageFiles } from './language-files.js';
import type { Config } from './schema.js';
import type { VarsFile } from './vars-file.js';

/** Values as in suricata.yaml, names without `$`. */
export type RuleVars = Pick<LanguageOptions, 'addressVars' | 'portVars'>;

/** HOME_NET of a stock suricata.yaml: what replay takes, and live where an interface has no address. */
export const PRIVATE_NETWORKS = ['192.168.0.0/16', '10.0.0.0/8', '172.16.0.0/12'] as const;

const servers = [
  'HTTP_SERVERS',
  'SMTP_SERVERS',
  'SQL_SERVERS',
  'DNS_SERVERS',
  'TELNET_SERVERS',
  'DC_SERVERS',
  'DNP3_SERVER',
  'DNP3_CLIENT',
  'MODBUS_CLIENT',
  'MODBUS_SERVER',
  'ENIP_CLIENT',
  'ENIP_SERVER',
] as const;

const ports: Readonly<Record<string, string>> = {
  HTTP_PORTS: '80',
  SHELLCODE_PORTS: '!80',
  ORACLE_PORTS: '1521',
  SSH_PORTS: '22',
  DNP3_PORTS: '20000',
  MODBUS_PORTS: '502',
  FILE_DATA_PORTS: '[$HTTP_PORTS,110,143]',
  FTP_PORTS: '21',
  GENEVE_PORTS: '6081',
  VXLAN_PORTS: '4789',
  TEREDO_PORTS: '3544',
  SIP_PORTS: '[5060,5061]',
};

/**
 * The variables with HOME_NET as given; `vars` of the configuration win over those of a file, and these over the stock
 * values.
 */
export function ruleVars(
  homeNet: readonly string[],
  vars: Config['vars'] = { address: {}, port: {} },
  file: VarsFile = { address: {}, port: {} },
): RuleVars {
  const addressVars: Record<string, string> = {
    HOME_NET: `[${homeNet.join(',')}]`,
    EXTERNAL_NET: '!$HOME_NET',
    AIM_SERVERS: '$EXTERNAL_NET',
  };
  for (const name of servers) addressVars[name] = '$HOME_NET';
  const { HOME_NET: _home, ...others } = file.address;
  return {
    addressVars: { ...addressVars, ...others, ...vars.address },
    portVars: { ...ports, ...file.port, ...vars.port },
  };
}

/** The variables of a replay: HOME_NET is what is given, else that of the file, else the private networks. */
export function replayVars(homeNet?: readonly string[], vars?: Config['vars'], file?: VarsFile): RuleVars {
  if (homeNet && homeNet.length > 0) return ruleVars(homeNet, vars, file);
  const home = file?.address['HOME_NET'];
  return ruleVars(home === undefined ? PRIVATE_NETWORKS : [home], vars, file);
}

export interface LanguageChoice {
  /** Default: the private networks. */
  readonly homeNet?: readonly string[] | undefined;
  readonly vars?: Config['vars'] | undefined;
  readonly redact?: Config['redact'];
  readonly files?: LanguageFiles;
}

/** What the rule compiler is told: live with the resolved HOME_NET, in a check or a replay with the stock one. */
export function languageOptions(choice: LanguageChoice = {}): LanguageOptions {
  const { redact } = choice;
  const { vars: file, ...sources } = choice.files ?? {};
  const language = { ...replayVars(choice.homeNet, choice.vars, file), ...sources };
  if (redact === 'off') return { ...language, redact };
  const { headers, parameters } = redact ?? defaultRedaction;
  return { ...language, redact: headers, redactParameters: parameters };
}
