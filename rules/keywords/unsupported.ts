// SPDX-License-Identifier: Apache-2.0
// Keywords of Suricata 8 that rules may use and this engine does not do, by the reason.

import type { Keyword } from './types.js';

/** Reason, then the keywords; `a=b` makes b another name of a. */
const groups: readonly (readonly [reason: string, names: string])[] = [
  [
    'this state of a flow is not tracked',
    `flow.age flow.pkts flow.pkts_toserver flow.pkts_toclient flow.bytes flow.bytes_toserver flow.bytes_toclient
     flowvar app-layer-state`,
  ],
  ['decoded data is not matched', `base64_decode base64_data asn1 rpc entropy`],
  ['this transform is not applied', `luaxform gunzip zlib_deflate`],
  [
    'HTTP/2 is not parsed',
    `http2.frametype http2.errorcode http2.priority http2.window http2.size_update http2.settings http2.header_name
     http2.header`,
  ],
  [
    'files are not extracted',
    `file.name file.magic filename fileext filemagic filemd5 filesha1 filesha256 filesize filestore`,
  ],
  [
    'this part of a DNS message is not matched',
    `dns.query.name dns.queries.rrname dns.answer.name
     dns.answers.rrname dns.authorities.rrname dns.additionals.rrname dns.response.rrname mdns.queries.rrname
     mdns.answers.rrname mdns.authorities.rrname mdns.additionals.rrname mdns.response.rrname`,
  ],
  [
    'this part of a TLS handshake is not matched',
    `tls.store=tls_store tls.cert_chain_len tls.random tls.random_time tls.random_bytes tls.subjectaltname tls_cert_notbefore
     tls_cert_notafter tls_cert_expired tls_cert_valid ssl_version ssl_state`,
  ],
  [
    'SSH is not parsed',
    `ssh.proto=ssh_proto ssh.protoversion ssh.software=ssh_software ssh.softwareversion ssh.hassh=ssh-hassh
     ssh.hassh.string=ssh-hassh-string ssh.hassh.server=ssh-hassh-server ssh.hassh.server.string=ssh-hassh-server-string`,
  ],
  [
    'SMTP and mail are not parsed',
    `smtp.helo smtp.mail_from smtp.rcpt_to email.from email.to email.cc email.subject email.date email.message_id
     email.x_mailer email.url email.received`,
  ],
  [
    'FTP is not parsed',
    `ftp.command ftp.command_data ftp.completion_code ftp.dynamic_port ftp.mode ftp.reply ftp.reply_received
     ftpdata_command ftpbounce`,
  ],
  [
    'SMB and DCE/RPC are not parsed',
    `smb.named_pipe smb.share smb.ntlmssp_user smb.ntlmssp_domain smb.version dcerpc.iface=dce_iface
     dcerpc.opnum=dce_opnum dcerpc.stub_data=dce_stub_data nfs_procedure nfs_version=nfs.version`,
  ],
  [
    'industrial protocols are not parsed',
    `modbus dnp3.func=dnp3_func dnp3.ind=dnp3_ind dnp3.obj=dnp3_obj dnp3.data=dnp3_data cip_service enip_command=enip.command
     enip.status enip.state enip.capabilities enip.cip_attribute enip.cip_class enip.cip_extendedstatus enip.cip_instance
     enip.cip_status enip.device_type enip.identity_status enip.product_code enip.product_name enip.protocol_version
     enip.revision enip.serial enip.service_name enip.vendor_id`,
  ],
  [
    'this application protocol is not parsed',
    `frame krb5_msg_type krb5_err_code krb5.cname=krb5_cname krb5.sname=krb5_sname
     krb5.ticket_encryption=krb5_ticket_encryption ike.init_spi ike.resp_spi ike.chosen_sa_attribute ike.exchtype ike.vendor
     ike.key_exchange_payload ike.key_exchange_payload_length ike.nonce_payload ike.nonce_payload_length sip.method sip.uri
     sip.request_line sip.response_line sip.stat_code sip.stat_msg sip.protocol sip.from sip.to sip.via sip.user_agent
     sip.content_type sip.content_length sdp.origin sdp.session_name sdp.session_info sdp.uri sdp.email sdp.phone_number
     sdp.connection_data sdp.bandwidth sdp.time sdp.repeat_time sdp.timezone sdp.encryption_key sdp.attribute
     sdp.media.media sdp.media.media_info sdp.media.session_info sdp.media.connection_data sdp.media.encryption_key rfb.name rfb.secresult
     rfb.sectype mqtt.type mqtt.flags mqtt.qos mqtt.protocol_version mqtt.reason_code=mqtt.connack.return_code
     mqtt.connack.session_present mqtt.connect.flags mqtt.connect.clientid mqtt.connect.username mqtt.connect.password
     mqtt.connect.willtopic mqtt.connect.willmessage mqtt.connect.protocol_string mqtt.publish.topic mqtt.publish.message
     mqtt.subscribe.topic mqtt.unsubscribe.topic snmp.version snmp.community snmp.usm snmp.pdu_type snmp.trap_type
     quic.version quic.sni quic.ua quic.cyu.hash quic.cyu.string dhcp.leasetime dhcp.rebinding_time dhcp.renewal_time
     websocket.payload websocket.flags websocket.mask websocket.opcode ldap.request.operation ldap.request.dn
     ldap.request.attribute_type ldap.responses.operation ldap.responses.count ldap.responses.dn ldap.responses.message
     ldap.responses.result_code ldap.responses.attribute_type pgsql.query ntp.mode ntp.reference_id ntp.stratum ntp.version
     template template2 template.buffer`,
  ],
  ['checksums are not verified', `ipv4-csum tcpv4-csum tcpv6-csum udpv4-csum udpv6-csum icmpv4-csum icmpv6-csum`],
  ['scripts are not run', `lua`],
  ['packets are not rewritten or marked', `replace nfq_set_mark`],
  ['it asks for a particular Suricata', `requires`],
  ['rules do not change the configuration', `config pktvar`],
];

/** Names that Suricata 8 does not know any more, or that only Snort knew. */
const obsolete: readonly (readonly [reason: string, names: string])[] = [
  ['Suricata 8 calls it lua', `luajit`],
  [
    'Snort only; Suricata never knew it',
    `activates activated_by logto react resp session sd_pattern file_type gtp_type service`,
  ],
];

function expand(scope: 'unsupported' | 'obsolete', list: typeof groups): Keyword[] {
  return list.flatMap(([reason, names]) =>
    names.split(/\s+/).map((entry): Keyword => {
      const [name = '', ...aliases] = entry.split('=');
      return {
        name,
        aliases,
        kind: 'other',
        summary: reason,
        scope,
        value: 'optional',
        quotes: 'optional',
        negatable: true,
      };
    }),
  );
}

export const unsupportedKeywords: readonly Keyword[] = [
  ...expand('unsupported', groups),
  ...expand('obsolete', obsolete),
];
