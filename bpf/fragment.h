/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What IPv4 and IPv6 fragments have in common. */
#ifndef IDS_FRAGMENT_H
#define IDS_FRAGMENT_H

#include <stdbool.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/types.h>

/* Whether `left` bytes can hold the transport header that a first fragment must bring along (RFC 1858). */
static __always_inline bool ids_fragment_tiny(__u8 proto, __u32 left)
{
	if (proto == IPPROTO_TCP)
		return left < 20;
	return (proto == IPPROTO_UDP || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) && left < 8;
}

#endif
