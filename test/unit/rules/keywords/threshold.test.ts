// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Threshold, Track, Unique } from '../../../../common/abi.gen.js';
import { one, withOptions } from '../one-rule.js';

const spec = { unique: Unique.NONE, multiplier: 0 };

t.test('every form', async (t) => {
  for (const [option, expected] of [
    [
      'threshold:type limit, track by_src, count 1, seconds 60',
      { ...spec, type: Threshold.LIMIT, track: Track.SRC, count: 1, seconds: 60 },
    ],
    [
      'threshold: seconds 5,count 2,track by_dst,type both',
      { ...spec, type: Threshold.BOTH, track: Track.DST, count: 2, seconds: 5 },
    ],
    [
      'threshold:type threshold, track by_both, count 3, seconds 1',
      { ...spec, type: Threshold.THRESHOLD, track: Track.BOTH, count: 3, seconds: 1 },
    ],
    [
      'threshold:type limit, track by_rule, count 1, seconds 1',
      { ...spec, type: Threshold.LIMIT, track: Track.RULE, count: 1, seconds: 1 },
    ],
    [
      'threshold:type backoff, track by_flow, count 1, multiplier 10',
      { unique: Unique.NONE, type: Threshold.BACKOFF, track: Track.FLOW, count: 1, seconds: 0, multiplier: 10 },
    ],
    [
      'detection_filter:track by_src, count 20, seconds 60',
      { ...spec, type: Threshold.DETECTION, track: Track.SRC, count: 20, seconds: 60 },
    ],
    [
      'detection_filter:track by_src, count 20, seconds 60, unique_on dst_port',
      { ...spec, type: Threshold.DETECTION, track: Track.SRC, count: 20, seconds: 60, unique: Unique.DST_PORT },
    ],
    [
      'detection_filter:track by_dst, count 5, seconds 9, unique_on src_ip',
      { ...spec, type: Threshold.DETECTION, track: Track.DST, count: 5, seconds: 9, unique: Unique.SRC_IP },
    ],
  ] as const) {
    const { rule, errors } = one(withOptions(`${option};`));
    t.same(errors, [], option);
    t.match(rule?.threshold, expected, option);
  }
});

t.test('what is wrong is told where it stands', async (t) => {
  for (const [option, column, cause, remedy] of [
    ['threshold:type limit, track by_src, count 1', 41, /seconds is missing/, /seconds/],
    [
      'threshold:type limit, track by_scr, count 1, seconds 1',
      59,
      /"by_scr" is not a value of track/,
      /did you mean by_src\?/,
    ],
    ['threshold:type limt, track by_src, count 1, seconds 1', 46, /"limt"/, /did you mean limit\?/],
    ['threshold:type limit, track by_src, count 0, seconds 1', 73, /count "0"/, /./],
    [
      'threshold:type limit, trak by_src, count 1, seconds 1',
      53,
      /"trak by_src" is not a setting/,
      /did you mean track\?/,
    ],
    ['threshold:type limit, track by_src, count 1, count 1, seconds 1', 76, /count stands twice/, /./],
    ['threshold:type limit, track by_src, count, seconds 1', 67, /needs one value/, /./],
    [
      'threshold:type limit, track by_src, count 1, seconds 1, multiplier 2',
      98,
      /multiplier belongs to type backoff/,
      /./,
    ],
    ['threshold:type backoff, track by_src, count 1, multiplier 2', 61, /goes by flow/, /by_flow/],
    ['threshold:type backoff, track by_flow, count 1, multiplier 1', 90, /multiplier "1"/, /./],
    [
      'detection_filter:track by_src, count 1, seconds 1, unique_on port',
      92,
      /"port" is not a value of unique_on/,
      /./,
    ],
    ['detection_filter:type limit, track by_src, count 1, seconds 1', 48, /"type limit" is not a setting/, /./],
  ] as const) {
    const { rule, errors } = one(withOptions(`${option};`));
    t.equal(rule, undefined, option);
    t.match(errors[0], { column, cause, remedy, keyword: option.split(':')[0] }, option);
  }
});

t.test('distinct ports need a protocol with ports', async (t) => {
  const option = 'detection_filter:track by_src, count 2, seconds 1, unique_on dst_port;';
  t.match(one(withOptions(option, 'alert ip any any -> any any')).errors, [{ cause: /needs a protocol with ports/ }]);
  t.ok(one(withOptions(option, 'alert udp any any -> any any')).rule);
  t.ok(one(withOptions(option.replace('dst_port', 'dst_ip'), 'alert icmp any any -> any any')).rule);
});

t.test('a second threshold is not supported', async (t) => {
  const option = 'threshold:type limit, track by_src, count 1, seconds 1;';
  t.match(one(withOptions(option + option)).unsupported, { keyword: 'threshold', reason: /only one/ });
});
