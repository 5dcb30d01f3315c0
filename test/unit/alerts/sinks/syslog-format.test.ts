// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import t from 'tap';
import { engineRecord, Entry, eveLine, type Detection } from '../../../../alerts/index.js';
import {
  bsdTime,
  frame,
  severityOf,
  syslogFormatter,
  type SyslogOptions,
} from '../../../../alerts/sinks/syslog-format.js';
import { request, rule, synFin } from '../samples.js';

const options: SyslogOptions = {
  facility: 'local5',
  severity: 'auto',
  app_name: 'ids',
  hostname: 'gw1.example',
  max_bytes: 8192,
};
const format = (d: Detection, patch: Partial<SyslogOptions> = {}): string =>
  syslogFormatter({ ...options, ...patch })(new Entry(d));

t.test('RFC 5424, to the letter', async (t) => {
  t.equal(
    format(synFin),
    `<${21 * 8 + 3}>1 2026-01-02T03:04:05.678901Z gw1.example ids ${process.pid} alert - ${eveLine(synFin)}`,
  );
  t.match(format({ ...synFin, kind: 'drop' }), / ids \d+ drop - \{"timestamp"/);
  t.match(format(synFin, { facility: 'auth', severity: 'info' }), /^<38>1 /);
  t.match(format(synFin, { hostname: undefined }), new RegExp(`Z ${hostname().slice(0, 64)} ids `));
  t.match(format(synFin, { hostname: 'é \n' }), /Z - ids /);
});

t.test('structured data is escaped', async (t) => {
  const text = format({ ...synFin, reason: 'a"b\\c]d' }, { structured_data: 'ids@32473' });
  t.match(text, / alert \[ids@32473 gid="1" sid="9000001" rev="3" src="128\.232\.110\.120" dst="66\.35\.250\.204"/);
  t.ok(text.includes('reason="a\\"b\\\\c\\]d"] {'));
});

t.test('what the engine says about itself', async (t) => {
  const notice = { level: 'Warning', module: 'feeds', message: 'it shrank', reason: 'feed-shrank' } as const;
  const told = engineRecord({ ...notice, origin: 'feed:a', timeUs: synFin.timeUs });
  const text = format(told, { structured_data: 'ids@32473' });
  t.ok(text.startsWith(`<${21 * 8 + 4}>1 `), 'a warning');
  t.ok(text.includes(' engine [ids@32473 reason="feed-shrank" origin="feed:a"] {"timestamp"'));
  t.equal(severityOf(engineRecord({ ...notice, level: 'Error', timeUs: 0 })), 3);
});

t.test('severity by the priority of the rule', async (t) => {
  const at = (severity: number): number => severityOf({ ...synFin, rule: { ...rule, severity } });
  t.strictSame([1, 2, 3, 4, 255, 0].map(at), [2, 3, 4, 5, 5, 2]);
  const { rule: _rule, ...blocked } = synFin;
  t.equal(severityOf(blocked), 5);
});

t.test('never longer than the limit, never broken JSON', async (t) => {
  const long = 'é'.repeat(3000);
  const fat: Detection = {
    ...request,
    src: '2001:db8:1111:2222:3333:4444:5555:6666',
    dst: '2001:db8:1111:2222:3333:4444:5555:7777',
    http: { url: long, userAgent: long, headers: `x: ${long}` },
    rule: { ...rule, msg: long },
  };
  for (const structured_data of [undefined, 'ids@32473']) {
    for (const host of ['h', 'h'.repeat(64)]) {
      for (let max_bytes = 480; max_bytes < 20_000; max_bytes = Math.ceil(max_bytes * 1.07)) {
        const text = format(fat, { max_bytes, structured_data, hostname: host });
        t.ok(Buffer.byteLength(text) <= max_bytes, `${Buffer.byteLength(text)} in ${max_bytes}`);
        const record = JSON.parse(text.slice(text.indexOf('{'))) as { alert: { signature_id: number } };
        t.equal(record.alert.signature_id, rule.sid);
      }
    }
  }
});

t.test('RFC 3164, to the letter', async (t) => {
  const old = { protocol: 'rfc3164', max_bytes: undefined } as const;
  const time = bsdTime('2026-01-02T03:04:05');
  const head = `<${21 * 8 + 3}>${time} gw1 ids[${process.pid}]: `;
  t.equal(format(synFin, old), `${head}${eveLine(synFin)}`);
  t.match(format(synFin, { ...old, hostname: '192.0.2.1' }), / 192\.0\.2\.1 ids\[/);
  t.match(format(synFin, { ...old, app_name: `a[b]:${'c'.repeat(40)}` }), new RegExp(` gw1 abc{30}\\[`));
  t.match(format({ ...synFin, timeUs: synFin.timeUs + 60e6 }, old), new RegExp(`>${bsdTime('2026-01-02T03:05:05')} `));
  t.equal(format(synFin, { ...old, transport: 'unix' }), `<171>${time} ids[${process.pid}]: ${eveLine(synFin)}`);
  t.equal(
    format(synFin, { transport: 'unix' }),
    format(synFin, { ...old, transport: 'unix' }),
    'as programs of a host do',
  );
});

t.test('the time of RFC 3164 is this host’s, its day two wide', async (t) => {
  const zone = process.env['TZ'];
  t.teardown(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });
  process.env['TZ'] = 'Asia/Kolkata';
  t.equal(bsdTime('2026-01-02T03:04:05'), 'Jan  2 08:34:05');
  process.env['TZ'] = 'UTC';
  t.equal(bsdTime('2026-12-31T23:59:59'), 'Dec 31 23:59:59');
});

t.test('longest messages where nothing is said', async (t) => {
  const long = 'x'.repeat(9000);
  const fat: Detection = { ...request, http: { url: long, userAgent: long } };
  const length = (patch: Partial<SyslogOptions>): number =>
    Buffer.byteLength(format(fat, { ...patch, max_bytes: undefined }));
  for (const [limit, patch] of [
    [1024, { protocol: 'rfc3164', transport: 'tcp' }],
    [1024, { protocol: 'rfc3164', transport: 'udp' }],
    [2048, { transport: 'udp' }],
    [8192, { transport: 'tls' }],
    [8192, { transport: 'unix' }],
  ] as const) {
    t.ok(length(patch) <= limit, `${length(patch)} in ${limit}`);
  }
  t.ok(length({ transport: 'udp' }) > 1024);
});

t.test('frames of RFC 6587', async (t) => {
  t.equal(frame('<1>1 é', 'octet'), '7 <1>1 é');
  t.equal(frame('<1>1 é', 'lf'), '<1>1 é\n');
});
