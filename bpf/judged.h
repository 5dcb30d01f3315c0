/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Judged once: what a gateway forwards is judged where it came in. Where it leaves it is judged only if it is of another
 * flow by then, as its addresses or its VLAN have changed: else half of that flow would never be seen.
 */
#ifndef IDS_JUDGED_H
#define IDS_JUDGED_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include "flow_table.h"
#include "flow_tcp.h"

struct ids_forwarded {
	struct ids_tuple tuple;
	bool swapped;
	bool version6;
	bool reset; /* TCP: begins no flow */
};

/* The transport header at `l4`. */
static __always_inline bool ids_read_ports(struct ids_forwarded *packet, const __u8 *l4, const __u8 *end, __u8 proto,
					   __be16 *sport, __be16 *dport)
{
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
		return true;
	if ((proto != IPPROTO_TCP && proto != IPPROTO_UDP) || l4 + (proto == IPPROTO_TCP ? 20 : 8) > end)
		return false;
	*sport = *(const __be16 *)l4;
	*dport = *(const __be16 *)(l4 + 2);
	packet->reset = proto == IPPROTO_TCP && l4[13] & IDS_TCP_RST;
	return true;
}

/* The key of the packet's flow; false of fragments, of what has no flow, and of headers that are not usual. */
static __always_inline bool ids_read_forwarded(const struct __sk_buff *skb, struct ids_forwarded *packet)
{
	const __u8 *at = (const void *)(long)skb->data, *end = (const void *)(long)skb->data_end;
	__u32 vlan = skb->vlan_present ? skb->vlan_tci & 0x0fff : 0;
	__be16 sport = 0, dport = 0;
	__be16 type;

	packet->reset = false;
	if (at + ETH_HLEN + 4 + sizeof(struct iphdr) > end)
		return false;
	type = *(const __be16 *)(at + 12);
	if (type == bpf_htons(ETH_P_8021Q) && !skb->vlan_present) {
		vlan = bpf_ntohs(*(const __be16 *)(at + 14)) & 0x0fff;
		type = *(const __be16 *)(at + 16);
		at += 4;
	}
	at += ETH_HLEN;
	if (type == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = (const void *)at;

		if ((void *)(ip + 1) > (void *)end || ip->version != 4 || ip->ihl != 5 ||
		    ip->frag_off & bpf_htons(0x3fff) ||
		    !ids_read_ports(packet, at + sizeof(*ip), end, ip->protocol, &sport, &dport))
			return false;
		packet->version6 = false;
		packet->swapped = ids_tuple_make(&packet->tuple, 0, ids_half4(ip->saddr), 0, ids_half4(ip->daddr),
						 sport, dport, ip->protocol | vlan << 16);
		return true;
	}
	if (type == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = (const void *)at;
		union ids_address source, target;

		if ((void *)(ip + 1) > (void *)end || ip->version != 6 ||
		    !ids_read_ports(packet, at + sizeof(*ip), end, ip->nexthdr, &sport, &dport))
			return false;
		__builtin_memcpy(&source, &ip->saddr, sizeof(source));
		__builtin_memcpy(&target, &ip->daddr, sizeof(target));
		packet->version6 = true;
		packet->swapped = ids_tuple_make(&packet->tuple, source.half[0], source.half[1], target.half[0],
						 target.half[1], sport, dport, ip->nexthdr | vlan << 16);
		return true;
	}
	return false;
}

/* Whether the packet has been counted where it came in, as one of the flow that it is of here. */
static __always_inline bool ids_flow_unchanged(const struct ids_forwarded *packet)
{
	const struct ids_control *control = ids_settings();
	const struct ids_flow *flow;
	__u32 index = 0, side;

	if (!control)
		return true;
	flow = ids_flow_find(&packet->tuple, ids_tuple_hash(control, &packet->tuple, packet->version6), &index);
	if (!flow)
		return packet->reset;
	side = !!(flow->flags & IDS_FLOW_CLIENT_SECOND) != packet->swapped;
	return flow->dir[side & 1].hooks & 1 << IDS_HOOK_XDP;
}

/* Whether the packet is done: one of our programs has judged it where it came in. */
__noinline int ids_judged_before(struct __sk_buff *skb)
{
	struct ids_forwarded packet;
	__u32 ifindex = skb->ingress_ifindex;

	if (!ifindex || !bpf_map_lookup_elem(&ids_interfaces, &ifindex))
		return false;
	return !ids_read_forwarded(skb, &packet) || ids_flow_unchanged(&packet);
}

#endif
