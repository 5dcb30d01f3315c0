/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The section under inspection: a header section, a hello or a message, from its first byte, and what its consumer knows
 * of it so far. One that is whole in a segment lies in the scratch of the CPU; one that goes on in another segment lies
 * in a window of the pool, with all of its state, so that each byte is looked at once however it arrives.
 */
#ifndef IDS_IO_H
#define IDS_IO_H

#include "packet.h"

/*
 * A consumer is a global function `int consumer(struct ids_packet *pkt, struct ids_io *io)` over bytes[0..length). It
 * looks at the bytes from `fresh` on and sets `fresh` to what it will want to see next (mostly `length`). It returns how
 * many bytes belong to the section once that is complete (more than fresh bytes may be there: the next section follows),
 * 0 if it needs more (with IDS_IO_LAST none will come: it says what it can), less than 0 if this is not its protocol.
 */
enum ids_io_flag {
	IDS_IO_LAST =
		1, /* no more bytes will be added: the bound is reached, the direction ended, or it is a datagram */
	IDS_IO_SPANNED = 2,   /* it came in more than one segment */
	IDS_IO_CONFLICT = 4,  /* overlapping segments differed */
	IDS_IO_GAP = 8,       /* bytes before it were not seen */
	IDS_IO_DATAGRAM = 16, /* UDP: one whole message */
	IDS_IO_QUIET = 32,    /* set by the consumer: nothing more of this direction interests it */
};

/* Where the pattern automaton stands in a buffer that is not at its end: pass 2's own. */
struct ids_span {
	__u32 length; /* bytes of the buffer that were judged */
	__u32 end;    /* offset behind the last of them */
	__u16 state;  /* behind the last of them */
	__u8 region;  /* the buffer; 0: none is open */
	__u8 pad;
};

/* Buffers that are open at once: one of the first line, http.header, and the two headers that rules look into by name. */
enum ids_span_slot {
	IDS_SPAN_LINE = 0,
	IDS_SPAN_HEADERS = 1,
	IDS_SPAN_HOST = 2,
	IDS_SPAN_AGENT = 3,
	IDS_SPANS = 4,
};

enum ids_message_flag {
	IDS_MESSAGE_LENGTH = 1,     /* a Content-Length, in `length` */
	IDS_MESSAGE_CODING = 2,     /* a Transfer-Encoding */
	IDS_MESSAGE_CHUNKED = 4,    /* which ends in chunked */
	IDS_MESSAGE_CONFLICT = 8,   /* lengths that contradict each other, or are none */
	IDS_MESSAGE_TRUNCATED = 16, /* the section does not end in the bytes that are there */
	IDS_MESSAGE_BLIND = 32,     /* read without the structure automaton: nothing is known of its length */
	IDS_MESSAGE_ANSWER = 64,    /* a response to a request that was seen */
	IDS_MESSAGE_UPGRADE = 128,  /* it has a header Upgrade */
	IDS_MESSAGE_ESCAPES = 256,  /* decoding would change its query */
	IDS_MESSAGE_TWICE = 512,    /* it has two Host or two User-Agent, or one in pieces */
};

/* Where something lies in the section; from == to if it is not there. */
struct ids_piece {
	__u32 from;
	__u32 to;
};

/* What a header section of HTTP says, once it is whole. */
struct ids_message {
	__u64 length;
	__u32 flags;      /* enum ids_message_flag */
	__u32 number;     /* of the message: that of the request also for its response; 0 = of none that was seen */
	__u32 latency_us; /* response: since the request */
	__u16 status;
	__u8 method;  /* enum ids_method: the request's, also of its response */
	__u8 old;     /* HTTP/1.0 or no version */
	__u16 queued; /* its place in the queue of requests, from 1; 0 = none */
	__u16 chosen; /* enum ids_chosen: what the log makes of it */
	__u32 secret; /* bit n: a value of region n is masked, or will be */
	struct ids_piece verb;
	struct ids_piece uri;
	struct ids_piece host;
	struct ids_piece agent;
};

struct ids_io {
	/* The stream layer's. */
	__u32 begin;  /* TCP: sequence number of bytes[0] */
	__u32 length; /* bytes of the section so far, contiguous from the first; never beyond IDS_SECTION_MAX */
	__u32 fresh;  /* offset of the first one that the consumer has not seen */
	__u32 flags;  /* enum ids_io_flag */

	/* Pass 1 (bpf/structure.h). All zero at the first byte of a section; so are the fields below. */
	__u32 state;   /* of the structure automaton, behind bytes[scanned - 1] */
	__u32 scanned; /* bytes that it has seen */
	__u32 end;     /* bytes of the section once its end was found, else 0 */
	__u32 edges;   /* in use of edge[] */
	__u32 crowded; /* there were more edges than IDS_EDGES: what was sensitive behind the last one is masked already */
	__u32 odd;     /* IDS_STRUCTURE_BARE, _ODD_LINE and _ODD_HEADERS */
	__u32 table;  /* generation of the automaton that `state` is one of */
	__u32 hidden; /* crowded: bytes[scanned] goes on with a masked value */
	__u32 stable; /* bytes whose region is settled: the name that the last ones begin may make them another */

	/* Pass 2 (bpf/patterns.h). */
	__u32 judged;   /* bytes that it has seen */
	__u32 current;  /* edges that it has passed */
	__u32 hits;     /* in use of hit[] */
	__u32 wanted;   /* a pattern with IDS_PATTERN_ENGINE was hit */
	__u32 decided;  /* rules of the kernel that matched */
	__u32 patterns; /* generation of the automaton that the states are ones of */
	__u32 opened;   /* bit n: a buffer of region n was met */
	__u32 repeated; /* bit n: another one was met */
	__u32 unsure;   /* bit n: what rules see of it is not what was judged here: it came twice, has escapes ... */
	__u32 told;     /* bit n: rules of the kernel were asked about the whole of it */
	__u16 rule[IDS_DECIDED]; /* positions of the first rules that matched */
	struct ids_span span[IDS_SPANS];

	/* Pass 3 and the dispatcher. */
	struct ids_message message;
	__u32 kind;    /* enum ids_guess: what the first bytes are */
	__u32 guessed; /* bytes that were looked at to tell */
	__u64 last;    /* the 8 bytes before */
	__u32 verdict; /* enum ids_guess, so far */
	__u32 pad;

	/* A consumer's own. */
	__u32 masked; /* in use of mask[] */
	__u32 own[8];
	__u16 hit[IDS_HITS];   /* patterns, in the order in which they were hit, each once */
	__u32 edge[IDS_EDGES]; /* offset << IDS_EDGE_SHIFT | enum ids_region, ascending */
	struct ids_masked mask[IDS_MASKED];
	__u8 bytes[IDS_SECTION_MAX + IDS_SECTION_PAD];
};

/* The scratch of a CPU. Written and read by the layer-7 stage alone; holds nothing from one packet to the next. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ids_io);
} ids_ios SEC(".maps");

/* Takes the scratch; null never happens. */
static __always_inline struct ids_io *ids_io(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ids_ios, &zero);
}

/* Begins a section at its first byte. */
static __always_inline void ids_io_begin(struct ids_io *io, __u32 begin, __u32 flags)
{
	io->begin = begin;
	io->length = io->fresh = 0;
	io->flags = flags;
	io->state = io->scanned = io->end = io->edges = io->crowded = 0;
	io->odd = io->table = io->hidden = io->stable = 0;
	io->judged = io->current = io->hits = io->wanted = io->decided = 0;
	io->patterns = io->opened = io->repeated = io->unsure = io->told = 0;
	__builtin_memset(io->span, 0, sizeof(io->span));
	io->kind = io->guessed = io->verdict = 0;
	io->last = 0;
	io->masked = 0;
	__builtin_memset(io->own, 0, sizeof(io->own));
}

#endif
