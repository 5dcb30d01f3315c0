// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { allPorts, portDomain, resolvePorts } from '../../../rules/ports.js';

const domain = portDomain({ HTTP_PORTS: '[80,8080:8090]', NOT_HTTP: '!$HTTP_PORTS' });

t.test('which ports an expression holds', async (t) => {
  for (const [expression, set] of [
    ['80', [[80, 80]]],
    ['0', [[0, 0]]],
    ['1:1024', [[1, 1024]]],
    [':1024', [[0, 1024]]],
    ['1024:', [[1024, 65535]]],
    [
      '!80',
      [
        [0, 79],
        [81, 65535],
      ],
    ],
    [
      '!1:1024',
      [
        [0, 0],
        [1025, 65535],
      ],
    ],
    ['[80,81,82]', [[80, 82]]],
    [
      '[80:90,!85]',
      [
        [80, 84],
        [86, 90],
      ],
    ],
    [
      '[ 443 , 80 ]',
      [
        [80, 80],
        [443, 443],
      ],
    ],
    [
      '$HTTP_PORTS',
      [
        [80, 80],
        [8080, 8090],
      ],
    ],
    [
      '$NOT_HTTP',
      [
        [0, 79],
        [81, 8079],
        [8091, 65535],
      ],
    ],
    ['![80,!80:90]', undefined],
    [
      '!$NOT_HTTP',
      [
        [80, 80],
        [8080, 8090],
      ],
    ],
    [
      '[1:100,![20:30,!25]]',
      [
        [1, 19],
        [25, 25],
        [31, 100],
      ],
    ],
  ] as const) {
    const found = resolvePorts(expression, domain);
    const got = 'set' in found ? found.set.map(({ from, to }) => [from, to]) : undefined;
    t.same(got, set, expression);
  }
  t.same(resolvePorts('ANY', domain), { set: allPorts, any: true });
});

t.test('errors', async (t) => {
  for (const [expression, at, cause, remedy] of [
    ['!any', 0, /no port is left/, /./],
    ['[80,!80]', 0, /no port is left/, /./],
    ['65536', 0, /65536 is too large/, /65535/],
    ['90:80', 0, /backwards/, /80:90/],
    [':', 0, /not a port/, /./],
    ['http', 0, /"http" is not a port/, /80/],
    ['[80,x]', 4, /"x" is not a port/, /./],
    ['$HTTP_PORT', 0, /not defined/, /did you mean \$HTTP_PORTS\?/],
    ['-1', 0, /not a port/, /./],
  ] as const) {
    t.match(resolvePorts(expression, domain), { at, cause, remedy }, expression);
  }
});
