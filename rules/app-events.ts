// SPDX-License-Identifier: Apache-2.0
// Events of application protocols that are raised, by Suricata's name. What is wrong with one message is a buffer of it:
// a number with a bit for each event.

import type { Buffer as BufferName } from './ast.js';

/** Of header lines, in requests and responses alike. */
export const LineEvent = {
  MISSING_COLON: 1,
  EMPTY_NAME: 2,
  BLANK_AFTER_NAME: 4,
  NOT_TOKEN: 8,
  FOLDING: 16,
  REPEATED: 32,
  LENGTHS_DIFFER: 64,
  MANY: 128,
} as const;

export const RequestEvent = {
  TRANSFER_ENCODING: 1 << 8,
  CONTENT_LENGTH: 1 << 9,
  NO_HOST: 1 << 10,
  HOST_AMBIGUOUS: 1 << 11,
  HOST_INVALID: 1 << 12,
  URI_HOST_INVALID: 1 << 13,
  AUTHORIZATION: 1 << 14,
  METHOD_DELIMITER: 1 << 15,
  URI_DELIMITER: 1 << 16,
  NO_PROTOCOL: 1 << 17,
} as const;

export const ResponseEvent = {
  CONTENT_LENGTH: 1 << 8,
  TRANSFER_ENCODING: 1 << 9,
  CHUNKED_BEFORE_1_1: 1 << 10,
  PROTOCOL: 1 << 11,
  STATUS: 1 << 12,
  SWITCHED_WITH_LENGTH: 1 << 13,
} as const;

export const HelloEvent = { SNI_TWICE: 1, SNI_TYPE: 2, SNI_LENGTH: 4 } as const;

export const CertificateEvent = { UNREADABLE: 1 } as const;

export const DnsEvent = {
  MALFORMED: 1,
  NOT_REQUEST: 2,
  NOT_RESPONSE: 4,
  Z_FLAG: 8,
  LONG_NAME: 16,
  LOOP: 32,
  LABELS: 64,
  AUTHORITIES: 128,
  ADDITIONALS: 256,
} as const;

/** Where an event is told. */
export interface AppEvent {
  readonly buffer: BufferName;
  readonly bit: number;
  /** Header whose value it is read from: nothing of it is known where that is masked. */
  readonly header?: string;
}

const request = (bit: number, header?: string): AppEvent => ({
  buffer: 'http.request_event',
  bit,
  ...(header === undefined ? {} : { header }),
});
const response = (bit: number, header?: string): AppEvent => ({
  ...request(bit, header),
  buffer: 'http.response_event',
});
const hello = (bit: number): AppEvent => ({ buffer: 'tls.hello_event', bit });
const dns = (bit: number): AppEvent => ({ buffer: 'dns.event', bit });

const table: Readonly<Record<string, AppEvent>> = {
  'http.request_field_missing_colon': request(LineEvent.MISSING_COLON),
  'http.request_invalid_empty_name': request(LineEvent.EMPTY_NAME),
  'http.request_invalid_lws_after_name': request(LineEvent.BLANK_AFTER_NAME),
  'http.request_header_invalid': request(LineEvent.NOT_TOKEN),
  'http.invalid_request_field_folding': request(LineEvent.FOLDING),
  'http.request_header_repetition': request(LineEvent.REPEATED),
  'http.duplicate_content_length_field_in_request': request(LineEvent.LENGTHS_DIFFER, 'content-length'),
  'http.request_too_many_headers': request(LineEvent.MANY),
  'http.invalid_transfer_encoding_value_in_request': request(RequestEvent.TRANSFER_ENCODING, 'transfer-encoding'),
  'http.invalid_content_length_field_in_request': request(RequestEvent.CONTENT_LENGTH, 'content-length'),
  'http.missing_host_header': request(RequestEvent.NO_HOST),
  'http.host_header_ambiguous': request(RequestEvent.HOST_AMBIGUOUS, 'host'),
  'http.request_header_host_invalid': request(RequestEvent.HOST_INVALID, 'host'),
  'http.request_uri_host_invalid': request(RequestEvent.URI_HOST_INVALID),
  'http.request_auth_unrecognized': request(RequestEvent.AUTHORIZATION, 'authorization'),
  'http.method_delim_non_compliant': request(RequestEvent.METHOD_DELIMITER),
  'http.uri_delim_non_compliant': request(RequestEvent.URI_DELIMITER),
  'http.request_line_missing_protocol': request(RequestEvent.NO_PROTOCOL),
  'http.response_field_missing_colon': response(LineEvent.MISSING_COLON),
  'http.response_invalid_empty_name': response(LineEvent.EMPTY_NAME),
  'http.response_invalid_lws_after_name': response(LineEvent.BLANK_AFTER_NAME),
  'http.response_header_name_not_token': response(LineEvent.NOT_TOKEN),
  'http.invalid_response_field_folding': response(LineEvent.FOLDING),
  'http.response_header_repetition': response(LineEvent.REPEATED),
  'http.duplicate_content_length_field_in_response': response(LineEvent.LENGTHS_DIFFER, 'content-length'),
  'http.response_too_many_headers': response(LineEvent.MANY),
  'http.invalid_content_length_field_in_response': response(ResponseEvent.CONTENT_LENGTH, 'content-length'),
  'http.response_abnormal_transfer_encoding': response(ResponseEvent.TRANSFER_ENCODING, 'transfer-encoding'),
  'http.response_chunked_old_proto': response(ResponseEvent.CHUNKED_BEFORE_1_1, 'transfer-encoding'),
  'http.response_line_invalid_protocol': response(ResponseEvent.PROTOCOL),
  'http.response_line_invalid_response_status': response(ResponseEvent.STATUS),
  'http.switching_proto_with_content_length': response(ResponseEvent.SWITCHED_WITH_LENGTH),
  'tls.multiple_sni_extensions': hello(HelloEvent.SNI_TWICE),
  'tls.invalid_sni_type': hello(HelloEvent.SNI_TYPE),
  'tls.invalid_sni_length': hello(HelloEvent.SNI_LENGTH),
  'tls.invalid_certificate': { buffer: 'tls.certificate_event', bit: CertificateEvent.UNREADABLE },
  'dns.malformed_data': dns(DnsEvent.MALFORMED),
  'dns.not_request': dns(DnsEvent.NOT_REQUEST),
  'dns.not_response': dns(DnsEvent.NOT_RESPONSE),
  'dns.z_flag_set': dns(DnsEvent.Z_FLAG),
  'dns.name_too_long': dns(DnsEvent.LONG_NAME),
  'dns.infinite_loop': dns(DnsEvent.LOOP),
  'dns.too_many_labels': dns(DnsEvent.LABELS),
  'dns.invalid_authorities': dns(DnsEvent.AUTHORITIES),
  'dns.invalid_additionals': dns(DnsEvent.ADDITIONALS),
};

/** By name in lower case. */
export const appEvents: ReadonlyMap<string, AppEvent> = new Map(Object.entries(table));

/** The events of a message as its buffer has them: four bytes, big-endian. */
export function eventBytes(bits: number): Uint8Array {
  return Uint8Array.of(bits >>> 24, (bits >> 16) & 0xff, (bits >> 8) & 0xff, bits & 0xff);
}
