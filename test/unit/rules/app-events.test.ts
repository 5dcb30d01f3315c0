// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { appEvents } from '../../../rules/app-events.js';
import { appEventNames } from '../../../rules/keywords/app-event-names.js';
import { compileRules, parseHttpRequest, parseHttpResponse } from '../../../rules/index.js';
import { BUFFERS, type BufferId } from '../../../rules/match/message.js';
import { bytes, hits, load, options, rule } from './support/messages.js';

const names = [...appEvents.keys()];
const requestNames = names.filter((name) => appEvents.get(name)?.buffer === 'http.request_event');
const responseNames = names.filter((name) => appEvents.get(name)?.buffer === 'http.response_event');
const rules = (of: readonly string[]): ReturnType<typeof load> =>
  load(...of.map((name, i) => rule(i + 1, `app-layer-event:${name};`, 'http any any -> any any')));

const requests = rules(requestNames);
const responses = rules(responseNames);

/** Events of a message, without `http.`. */
function requestEvents(head: string): string[] {
  const request = parseHttpRequest(bytes(head));
  if (!request) throw new Error(head);
  return hits(requests, request)
    .map((index) => requestNames[index]?.slice('http.'.length) ?? '')
    .sort();
}

function responseEvents(head: string): string[] {
  const response = parseHttpResponse(bytes(head));
  if (!response) throw new Error(head);
  return hits(responses, response)
    .map((index) => responseNames[index]?.slice('http.'.length) ?? '')
    .sort();
}

t.test('events of requests', async (t) => {
  const get = (lines: string, line = 'GET / HTTP/1.1'): string[] => requestEvents(`${line}\r\n${lines}\r\n`);
  const host = 'Host: h\r\n';
  t.same(get(`${host}A: b\r\n folded: c\r\n`), [], 'a sound one');
  t.same(get(''), ['missing_host_header']);
  t.same(get('', 'GET / HTTP/1.0'), [], 'HTTP/1.0 needs no host');
  t.same(requestEvents('GET / HTTP/1.1\r\nA: b\r\n'), [], 'a host may yet come');
  t.same(get(`${host}nothing\r\n`), ['request_field_missing_colon']);
  t.same(get(`${host}: x\r\n`), ['request_invalid_empty_name']);
  t.same(get(`${host}A : x\r\n`), ['request_invalid_lws_after_name']);
  t.same(get(`${host}A(: x\r\n`), ['request_header_invalid']);
  t.same(get(`${host}A : x\r\nB(: x\r\n`), ['request_invalid_lws_after_name'], 'of these the first one');
  t.same(get(` A: x\r\n${host}`), ['invalid_request_field_folding']);
  t.same(get(`${host}A: 1\r\na: 2\r\n`), ['request_header_repetition']);
  const twice = ['duplicate_content_length_field_in_request', 'request_header_repetition'];
  t.same(get(`${host}Content-Length: 1\r\nContent-Length: 2\r\n`), twice);
  t.same(get(`${host}Content-Length: 1\r\nContent-Length: 01\r\n`), ['request_header_repetition']);
  t.same(get(`${host}Content-Length: x\r\n`), ['invalid_content_length_field_in_request']);
  t.same(get(`${host}Content-Length: 99999999999999999999\r\n`), ['invalid_content_length_field_in_request']);
  const coding = ['invalid_transfer_encoding_value_in_request'];
  t.same(get(`${host}Transfer-Encoding: chunkd\r\nContent-Length: x\r\n`), coding);
  t.same(get(`${host}Transfer-Encoding: gzip, Chunked\r\n`), []);
  t.same(get(`${host}Transfer-Encoding: chunked\r\n`, 'GET / HTTP/1.0'), coding);
  t.same(get('Host: other\r\n', 'GET http://h/ HTTP/1.1'), ['host_header_ambiguous']);
  t.same(get('Host: H:80\r\n', 'GET http://u@h:80/ HTTP/1.1'), []);
  t.same(get('Host: h:81\r\n', 'GET http://h:80/ HTTP/1.1'), ['host_header_ambiguous']);
  t.same(get('Host: h\r\n', 'GET http://h:80/ HTTP/1.1'), []);
  t.same(get('Host: [::1]:80\r\n'), []);
  for (const wrong of ['[::z]', 'a..b', '.a', 'a b', 'h:0', 'h:x', 'x'.repeat(64), 'a/b']) {
    t.same(get(`Host: ${wrong}\r\n`), ['request_header_host_invalid'], wrong);
  }
  t.same(get('Host: a..b\r\n', 'GET http://a..b/ HTTP/1.1'), [
    'request_header_host_invalid',
    'request_uri_host_invalid',
  ]);
  t.same(get('Host: h:443\r\n', 'CONNECT h:443 HTTP/1.1'), []);
  t.same(get('Host: h\r\n', 'CONNECT h:x HTTP/1.1'), ['request_uri_host_invalid']);
  for (const scheme of ['Basic x', 'digest', 'Bearer t']) t.same(get(`${host}Authorization: ${scheme}\r\n`), []);
  t.same(get(`${host}Authorization: Token x\r\n`), ['request_auth_unrecognized']);
  t.same(get(host, 'GET\t/ HTTP/1.1'), ['method_delim_non_compliant']);
  t.same(get(host, 'GET /a\tb HTTP/1.1'), ['uri_delim_non_compliant']);
  t.same(get(host, 'GET /'), ['request_line_missing_protocol']);
  const many = Array.from({ length: 1100 }, (_, i) => `N${i}: 1\r\n`).join('');
  t.same(get(host + many), ['request_too_many_headers']);
});

t.test('events of responses', async (t) => {
  const of = (lines: string, line = 'HTTP/1.1 200 OK'): string[] => responseEvents(`${line}\r\n${lines}\r\n`);
  t.same(of('Content-Length: 1\r\n'), []);
  t.same(of('nothing\r\n'), ['response_field_missing_colon']);
  t.same(of(': x\r\n'), ['response_invalid_empty_name']);
  t.same(of('A : x\r\n'), ['response_invalid_lws_after_name']);
  t.same(of('A@: x\r\n'), ['response_header_name_not_token']);
  t.same(of(' A: x\r\n'), ['invalid_response_field_folding']);
  t.same(of('A: 1\r\nA: 2\r\n'), ['response_header_repetition']);
  t.same(of('Content-Length: -\r\n'), ['invalid_content_length_field_in_response']);
  t.same(of('Transfer-Encoding: x, chunked\r\n'), ['response_abnormal_transfer_encoding']);
  t.same(of('Transfer-Encoding: chunked\r\n', 'HTTP/1.0 200 OK'), ['response_chunked_old_proto']);
  t.same(of('', 'HTTP/1.9 200 OK'), ['response_line_invalid_protocol']);
  t.same(of('', 'HTTP/1.1 20x OK'), ['response_line_invalid_response_status']);
  t.same(of('Content-Length: 3\r\n', 'HTTP/1.1 101 Switching'), ['switching_proto_with_content_length']);
});

t.test('names', async (t) => {
  for (const [name, { buffer }] of appEvents) {
    t.ok(appEventNames.has(name), name);
    t.ok((BUFFERS.indexOf(buffer) as BufferId) >= 0, name);
  }
  const said = (text: string, redact: 'off' | readonly string[] = 'off'): string => {
    const source = { file: 'r', text: rule(1, `app-layer-event:${text};`) };
    const { problems } = compileRules([source], { ...options, redact });
    return problems.map(({ severity, cause, remedy }) => `${severity}: ${cause} (${remedy ?? ''})`).join();
  };
  t.equal(said('HTTP.MISSING_HOST_HEADER'), '', 'in any case');
  t.match(said('http.range_invalid'), /^unsupported: the event http.range_invalid is not raised/);
  t.match(said('smtp.invalid_reply'), /^unsupported/);
  t.match(said('applayer_unexpected_protocol'), /^unsupported/);
  t.match(said('http.missing_host_heade'), /^error: .*did you mean http.missing_host_header/);
  t.match(said('http.request_auth_unrecognized', ['authorization']), /^unsupported: needs a redacted value/);
  t.match(said('http.request_auth_unrecognized', ['cookie']), /^$/);
});

t.test('together with other tests of the message', async (t) => {
  const evaluator = load(
    rule(1, 'http.uri; content:"/x"; app-layer-event:http.missing_host_header;'),
    rule(2, 'app-layer-event:http.missing_host_header; app-layer-event:http.request_field_missing_colon;'),
  );
  const judged = (head: string): number[] => {
    const request = parseHttpRequest(bytes(head));
    if (!request) throw new Error(head);
    return hits(evaluator, request);
  };
  t.same(judged('GET /x HTTP/1.1\r\n\r\n'), [0]);
  t.same(judged('GET /x HTTP/1.1\r\nHost: h\r\n\r\n'), []);
  t.same(judged('GET /y HTTP/1.1\r\nodd\r\n\r\n'), [1]);
});
