// SPDX-License-Identifier: Apache-2.0
import type { NetworkInterfaceInfo } from 'node:os';
import t from 'tap';
import {
  loadConfig,
  PRIVATE_NETWORKS,
  languageOptions,
  replayVars,
  resolveHomeNet,
  ruleVars,
} from '../../../../engine/config/index.js';

function address(cidr: string, internal = false): NetworkInterfaceInfo {
  const [text = ''] = cidr.split('/');
  const shared = { address: text, netmask: '', mac: '00:00:00:00:00:00', internal, cidr };
  return text.includes(':') ? { ...shared, family: 'IPv6', scopeid: 0 } : { ...shared, family: 'IPv4' };
}

const interfaces = () => ({
  lo: [address('127.0.0.1/8', true), address('::1/128', true)],
  eth0: [address('192.0.2.10/24'), address('2001:db8::10/64')],
  eth1: [address('10.0.0.1/16')],
});

const forwarding = (four: string, six: string) => ({
  sys: { net: { ipv4: { ip_forward: `${four}\n` }, ipv6: { conf: { all: { forwarding: `${six}\n` } } } } },
});

t.test('auto: own addresses on a host, connected networks on a gateway', async (t) => {
  const eth0 = loadConfig('interfaces: eth0', 'x');
  const networks = (proc: string): readonly string[] => resolveHomeNet(eth0, { interfaces, proc }).networks;
  t.same(networks(t.testdir(forwarding('0', '0'))), ['192.0.2.10', '2001:db8::10']);
  t.same(networks(t.testdir(forwarding('1', '0'))), ['192.0.2.10', '2001:db8::10', '192.0.2.0/24', '10.0.0.0/16']);
  t.same(networks(t.testdir(forwarding('0', '1'))), ['192.0.2.10', '2001:db8::10', '2001:db8::/64']);
  t.same(networks(`${t.testdirName}/absent`), ['192.0.2.10', '2001:db8::10']);
  const both = loadConfig('interfaces: [eth0, eth1]', 'x');
  t.same(resolveHomeNet(both, { interfaces, proc: t.testdir(forwarding('0', '0')) }).networks, [
    '192.0.2.10',
    '2001:db8::10',
    '10.0.0.1',
  ]);
});

t.test('an interface without addresses, and networks that are named', async (t) => {
  const tap = loadConfig('interfaces: tap0', 'x');
  const home = resolveHomeNet(tap, { interfaces, proc: t.testdir(forwarding('0', '0')) });
  t.same(home.networks, PRIVATE_NETWORKS);
  t.match(home.note, /tap0 has no address: .* set home_net/);
  t.same(resolveHomeNet(loadConfig('interfaces: eth0\nhome_net: 10.0.0.0/8', 'x')), { networks: ['10.0.0.0/8'] });
  t.type(resolveHomeNet(loadConfig('interfaces: lo', 'x')).networks.length, 'number', 'on this host');
});

t.test('variables of the rules', async (t) => {
  const { vars } = loadConfig('vars: { address: { EXTERNAL_NET: any }, port: { HTTP_PORTS: [80, 8080] } }', 'x');
  const live = ruleVars(['192.0.2.10', '2001:db8::10'], vars);
  t.match(live.addressVars, {
    HOME_NET: '[192.0.2.10,2001:db8::10]',
    EXTERNAL_NET: 'any',
    HTTP_SERVERS: '$HOME_NET',
    AIM_SERVERS: '$EXTERNAL_NET',
  });
  t.match(live.portVars, { HTTP_PORTS: '[80,8080]', SHELLCODE_PORTS: '!80', SSH_PORTS: '22' });
  t.match(replayVars().addressVars, {
    HOME_NET: '[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]',
    EXTERNAL_NET: '!$HOME_NET',
  });
  t.match(replayVars(['10.0.0.0/8']).addressVars, { HOME_NET: '[10.0.0.0/8]' });
  t.match(languageOptions().redact, ['Authorization']);
  t.equal(languageOptions({ redact: 'off', homeNet: ['10.0.0.0/8'] }).redact, 'off');
});
