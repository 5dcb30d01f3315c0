/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What kernel and engine share of layer 7: the state of a flow, the automata, the records of the bulk ring. */
#ifndef IDS_ABI_L7_H
#define IDS_ABI_L7_H

#include <linux/types.h>

enum ids_l7_limit {
	IDS_SECTION_MAX = 16384, /* bytes of a header section or a TLS hello that are judged and handed over */
	IDS_SECTION_PAD = 1024,  /* room behind them that a pass may touch */
	IDS_EDGES = 128,         /* edges of a section */
	IDS_MASKED = 16,         /* masked values of a section that get a hash */
	IDS_DECIDED = 4,         /* rules of the kernel that matched a message and are named with it */
	IDS_HITS = 32,           /* patterns of a message that are remembered */
	IDS_QUEUE = 8,           /* requests of a connection that wait for their response */
	IDS_WINDOW_RANGES = 8,   /* pieces of a window that are not contiguous */
	IDS_STRUCTURE_STATES = 2048,
	IDS_STRUCTURE_CLASSES = 64,
	IDS_PATTERN_STATES = 32768,
	IDS_PATTERN_CLASSES = 64,
	IDS_PATTERNS = 8192, /* patterns of a rule set */
	IDS_PATTERN_OUTPUTS = 65536,
	IDS_PATTERN_PAIRS = 16384, /* (pattern, rule) pairs */
	IDS_L7_RULES_MAX = 4096,   /* rules that are judged on messages in the kernel */
	IDS_PATTERN_TEXT = 262144, /* bytes of all patterns that are compared */
	IDS_L7_TERMS = 8,          /* contents of a rule that is judged on a message in the kernel */
	IDS_STREAM_MAX = 4096,     /* payload bytes of one record of the inspection depth */
	IDS_HELD = 1024, /* requests that wait in the kernel for the response that decides whether they are logged */
	IDS_HELD_MAX = 3008, /* bytes of the record of one */
	IDS_GRAM_LEAST = 4,  /* bytes of a gram, at least and */
	IDS_GRAM_MOST = 8,   /* at most */
	IDS_GRAM_SHIFT = 13, /* hashes of 4 bytes are shifted right by this: a bit of gram_map, and */
	IDS_GRAM_WORDS = 16384,
	IDS_GRAM_SLOT_SHIFT = 17, /* by this: the first of the slots in which a gram may lie */
	IDS_GRAM_SLOTS = 32768,
	IDS_GRAM_PROBES = 16,
	IDS_GRAM_HASH = 0x7feb352d, /* multiplied with the first 4 bytes, little-endian, letters folded */
};

/* Application protocol of a flow, recognised by content. */
enum ids_app {
	IDS_APP_UNKNOWN = 0, /* nothing was seen yet */
	IDS_APP_HTTP = 1,
	IDS_APP_TLS = 2,
	IDS_APP_DNS = 3,
	IDS_APP_HTTP2 = 4, /* recognised and not inspected, as the next */
	IDS_APP_QUIC = 5,
	IDS_APP_OTHER = 6,   /* none of these */
	IDS_APP_IGNORED = 7, /* a port that is left alone */
};

/*
 * Where one direction of a TCP flow stands. A body has no phase: where its length is known `next` lies behind it, so that
 * its segments are old news in whatever order they come.
 */
enum ids_l7_phase {
	IDS_PHASE_START = 0,   /* before the first byte: what it is has to be seen */
	IDS_PHASE_SECTION = 1, /* in a header section (HTTP), a hello (TLS) or a message (DNS over TCP), or before it */
	IDS_PHASE_CHUNK_SIZE = 2, /* in the framing of chunks: the line with a size, the trailer */
	IDS_PHASE_LOST = 4,       /* where messages begin is not known: the first bytes of each segment are looked at */
	IDS_PHASE_QUIET = 5,      /* nothing is looked for any more: body until close, a tunnel, another protocol */
	IDS_PHASE_UNREAD = 6,     /* responses that nobody asks for; LOST as soon as somebody does */
};

enum ids_l7_flag {
	IDS_L7_GAP = 1,       /* bytes are missing for good */
	IDS_L7_CONFLICT = 2,  /* a retransmission had other content */
	IDS_L7_TOO_LONG = 4,  /* a section beyond IDS_SECTION_MAX */
	IDS_L7_NO_WINDOW = 8, /* no room to wait for the rest */
	IDS_L7_LENGTHS = 16,  /* conflicting message lengths */
	IDS_L7_RESYNC = 32,   /* what followed was no message */
	IDS_L7_INSPECT = 64,  /* a loaded rule could need the payload: hand it over up to the depth */
	IDS_L7_RULES = 128,   /* a rule that is judged on messages in the kernel could match */
	IDS_L7_SYNCED = 256,  /* `next` and `first` are known */
	IDS_L7_DEEP = 512,    /* the depth is behind: nothing more is handed over, whatever rules are loaded */
	IDS_L7_BEYOND =
		1024, /* a loaded rule could need the payload and does not get it: it is counted as not inspected */
	IDS_L7_ANEW =
		2048, /* what came with the SYN was refused: the payload is handed over from its beginning again */
	IDS_L7_HEADS = 4096, /* every head is handed over: the prefilter knows nothing of a rule that could match */
};

/* Bodies are passed by in steps of at most this, which sequence numbers can be compared over. */
enum ids_l7_step {
	IDS_L7_STEP = 1 << 30,
};

struct ids_l7_dir {
	__u32 next;      /* sequence number of the first byte that was not judged yet: of the section, if one is open */
	__u32 first;     /* of the direction's first byte */
	__u32 passed;    /* from here to `next` there is a body, which may be handed over as it is */
	__u32 inspected; /* payload bytes handed over */
	__u32 message;   /* sections that began in this direction, from 1 */
	__u16 window;    /* index + 1 of the window that the section waits in, 0: none */
	__u16 flags;     /* enum ids_l7_flag */
	__u8 line;       /* CHUNK_SIZE: where in the framing, the stage's own */
	__u8 asked;      /* under which generation (its lowest bits) rules were asked what they need of the flow */
	__u8 phase;      /* enum ids_l7_phase */
	__u8 tries;      /* LOST: segments that were looked at in vain */
};

/*
 * Layer-7 state of a flow; valid if `id` is that of the flow entry of the same index. Written by the kernel alone. What a
 * data packet asks lies in the first of three cache lines.
 */
struct ids_l7 {
	__u64 id;
	struct ids_l7_dir dir[2];
	__u64 remaining
		[2]; /* by direction: bytes of a body behind `next`; CHUNK_SIZE: the size as far as it was read */
	__u32 time_us[IDS_QUEUE]; /* when the request's section ended, microseconds since the flow's start */
	__u8 method[IDS_QUEUE];   /* enum ids_method */
	__u8 pushed;              /* requests put into the queue, and */
	__u8 popped;              /* taken out by their response: counted by one side each, modulo 256 */
	__u8 missed;              /* requests that found it full, and */
	__u8 found;               /* responses to such */
	__u32 answered;           /* responses, 1xx apart */
	__u16 chosen[IDS_QUEUE];  /* enum ids_chosen: what the log makes of the request */
	__u16 host[IDS_QUEUE];    /* its values in the aggregates: the place in ids_top, from 1; 0 = none */
	__u16 path[IDS_QUEUE];
	__u8 tags
		[IDS_QUEUE]; /* what says that the places are still theirs: highest bits of both keys, the host's first */
	__u8 switches;       /* a request that may change the protocol came: from there on responses are read */
	__u8 pad[7];
};

/* What the log makes of a request, and so of its response. */
enum ids_chosen {
	IDS_CHOSEN_ENGINE = 0, /* both are handed over: there is no selection, or the engine has to select */
	IDS_CHOSEN_NOT = 1,
	IDS_CHOSEN_YES = 2,
	IDS_CHOSEN_HELD = 3, /* the response decides; the request waits at this place of ids_held, and so on */
};

/* As far as framing needs it. */
enum ids_method {
	IDS_METHOD_OTHER = 0,
	IDS_METHOD_HEAD = 1,
	IDS_METHOD_CONNECT = 2,
};

/*
 * What the bytes of a section are. An edge says that a region begins; it goes on to the next edge. IDS_REGION_MASKED is
 * added where the value is sensitive. LENGTH to UPGRADE and KEPT are regions of HEADERS, as HOST and USER_AGENT are: the
 * buffer http.header goes from the first edge behind the start line to the end of the section, without what is NONE
 * (lines of Cookie, the empty line). Where normalisation would change a buffer is said by enum ids_structure_bit, but for the query.
 */
enum ids_region {
	IDS_REGION_NONE = 0,
	IDS_REGION_METHOD = 1,
	IDS_REGION_URI = 2,
	IDS_REGION_URI_ODD =
		3, /* the rest of a URI from where decoding would change its query; what is before it stays */
	IDS_REGION_VERSION = 4,
	IDS_REGION_STATUS = 5, /* the three digits of a response */
	IDS_REGION_REASON = 6,
	IDS_REGION_HEADERS = 7, /* names, line ends, and values that are none of those below */
	IDS_REGION_HOST = 8,    /* without the port */
	IDS_REGION_USER_AGENT = 9,
	IDS_REGION_LENGTH = 10,  /* value of Content-Length */
	IDS_REGION_CODING = 11,  /* value of Transfer-Encoding */
	IDS_REGION_UPGRADE = 12, /* value of Upgrade */
	IDS_REGION_KEPT =
		13, /* a line that the log keeps, name and line end included; its value may have other regions */
	IDS_REGION_SNI = 16,
	IDS_REGION_QUERY = 17,
	IDS_REGIONS = 32,
	IDS_REGION_MASKED = 64,
};

/* An edge: offset in the section << 8 | enum ids_region. */
enum ids_edge_shift {
	IDS_EDGE_SHIFT = 8,
};

/*
 * The structure automaton, made by the engine: state' = next[state][class[byte]] & IDS_STRUCTURE_STATE. EDGE: the byte is
 * the first of the region of state', or the one IDS_STRUCTURE_BACK bytes before it is. END: the section ended with the
 * byte of which EDGE says it too. ODD: normalisation would change the buffers of the request line (also: the target is not a path, and says
 * itself which host is meant), or of the header lines (a fold, odd white space, a bare CR). BARE: a header line ends with
 * a LF alone, which no more than the line ends of http.header show. State 0 is where an
 * unwritten table leads, for good; 1 begins a request, 2 a response, 3 the trailer section of chunks.
 */
enum ids_structure_bit {
	IDS_STRUCTURE_STATE = 0x7ff,
	IDS_STRUCTURE_BARE = 0x0800,
	IDS_STRUCTURE_ODD_LINE = 0x1000,
	IDS_STRUCTURE_ODD_HEADERS = 0x2000,
	IDS_STRUCTURE_EDGE = 0x4000,
	IDS_STRUCTURE_END = 0x8000,
	IDS_STRUCTURE_BACK_SHIFT = 8,
	IDS_STRUCTURE_REQUEST = 1,
	IDS_STRUCTURE_RESPONSE = 2,
	IDS_STRUCTURE_TRAILER = 3,
};

/*
 * What sets a byte apart. Bytes of none of the kinds in stop[state] begin no region, are not odd, and leave the automaton
 * where the last of them would have led it from `state` alone: of several at once only that one is looked at. Letters,
 * digits and most marks are of no kind.
 */
enum ids_structure_kind {
	IDS_KIND_LINE_END = 1,
	IDS_KIND_SEPARATOR = 2, /* ? & ; # */
	IDS_KIND_PERCENT = 4,
	IDS_KIND_COLON = 8, /* : [ ] */
	IDS_KIND_BLANK = 16,
	IDS_KIND_PATH = 32, /* / . \\ = */
	IDS_KIND_OTHER = 64,
	IDS_KIND_ANY = 128, /* every byte stops this state */
};

struct ids_structure {
	__u32 generation; /* ids_control.structure under which it is in force */
	__u32 pad;
	__u8 byte_class[256]; /* class * 2, as an offset in a row */
	__u16 region
		[IDS_STRUCTURE_STATES]; /* enum ids_region, | IDS_REGION_MASKED, | bytes back << IDS_STRUCTURE_BACK_SHIFT */
	__u8 pending[IDS_STRUCTURE_STATES]; /* the last bytes may get another region: those of a name */
	__u8 byte_kind[256];                /* enum ids_structure_kind, and */
	__u8 stop[IDS_STRUCTURE_STATES];    /* kinds of bytes that a state cannot pass over, see there */
	__u16 next[IDS_STRUCTURE_STATES * IDS_STRUCTURE_CLASSES];
	__u16 beyond[IDS_STRUCTURE_CLASSES *
		     2]; /* never reached: what a byte could lead to as far as the verifier knows */
};

enum ids_pattern_flag {
	IDS_PATTERN_VERIFY = 1,  /* the automaton tells less bytes apart than the pattern: its text is compared */
	IDS_PATTERN_ENDS = 2,    /* ends the buffer */
	IDS_PATTERN_ENGINE = 4,  /* a hit makes the engine see the message */
	IDS_PATTERN_DOT = 8,     /* dotprefix: a dot stands before the buffer, and positions count from it */
	IDS_PATTERN_RULES = 16,  /* rules of the kernel have it among their terms */
	IDS_PATTERN_NOCASE = 32, /* letters match in both cases; the text has small ones */
};

/* A literal in one buffer. A hit counts if it begins at `from` or later and ends at `until` or earlier. */
struct ids_pattern {
	__u32 from;
	__u32 until;
	__u32 text; /* of ids_patterns.text */
	__u16 length;
	__u8 flags;  /* enum ids_pattern_flag */
	__u8 region; /* enum ids_region: the buffer */
	__u32 first; /* of ids_patterns.pair */
	__u32 pairs;
};

enum ids_l7_rule_flag {
	IDS_L7RULE_AT_END = 1, /* only once its buffer has ended: negated contents, endswith, bsize */
	IDS_L7RULE_TO_SERVER = 2,
	IDS_L7RULE_TO_CLIENT = 4,
	IDS_L7RULE_PLACED = 8, /* where its contents are in the buffer, or how long that is, matters */
};

/* A rule that is judged on messages in the kernel: position is that of its header part in ids_ruleset. */
struct ids_l7_rule {
	__u16 position;
	__u8 region;              /* the one buffer that its contents look into */
	__u8 flags;               /* enum ids_l7_rule_flag */
	__u16 term[IDS_L7_TERMS]; /* pattern, | IDS_TERM_NEGATED */
	__u8 terms;
	__u8 pad[3];
	__u32 size_min; /* bsize: length of the buffer */
	__u32 size_max;
};

enum ids_term_bit {
	IDS_TERM_PATTERN = 0x3fff,
	IDS_TERM_NEGATED = 0x8000,
};

/* States of the pattern automaton: ACCEPT: output[state] leads to patterns that end here. */
enum ids_pattern_bit {
	IDS_PATTERN_STATE = 0x7fff,
	IDS_PATTERN_ACCEPT = 0x8000,
	IDS_OUTPUT_LAST = 0x8000, /* of outputs: the last pattern of a state */
	IDS_OUTPUT_PATTERN = 0x3fff,
};

/* What the prefilter looks through for a gram: bits of ids_gram.kinds and ids_patterns.gram_kinds, and places in gram_map. */
enum ids_gram_kind {
	IDS_GRAM_REQUEST = 0,  /* header section of an HTTP request */
	IDS_GRAM_RESPONSE = 1, /* of a response */
	IDS_GRAM_QUERY = 2,    /* name in a DNS question */
	IDS_GRAM_SNI = 3,      /* name in a ClientHello */
	IDS_GRAM_KINDS = 4,
	IDS_GRAM_INSPECTED =
		8, /* of gram_kinds, from this bit on: heads are handed over while payload of their direction is */
};

/* Where in a request a gram has to stand. Bounds are those of a place that is one buffer. */
enum ids_gram_place {
	IDS_GRAM_ANYWHERE = 0,
	IDS_GRAM_METHOD = 1,
	IDS_GRAM_URI = 2,
	IDS_GRAM_HOST = 3,
	IDS_GRAM_AGENT = 4,
	IDS_GRAM_LINES = 5, /* behind the target */
	IDS_GRAM_FREE = 255,
};

/*
 * Bytes without which a rule of the engine cannot match such a message, as they stand in it when it is sent: each byte with
 * bit 5 set, which makes letters the same in both cases (and some signs, which hands over more and never less).
 */
struct ids_gram {
	__u64 text;  /* little-endian, zeroes behind */
	__u8 length; /* IDS_GRAM_LEAST to _MOST; 0: a free slot */
	__u8 kinds;
	__u8 place;  /* enum ids_gram_place */
	__u8 least;  /* bytes of the buffer that it has to stand in, at least and */
	__u8 most;   /* at most; IDS_GRAM_FREE: so many or more */
	__u8 until;  /* it ends at this byte of the buffer at the latest; IDS_GRAM_FREE: wherever */
	__u8 method; /* first byte, bit 5 set, of what stands in the method; 0: whatever that is */
	__u8 pad;
};

/*
 * The patterns of one rule set: the only value of an inner map of ids_pattern_sets. Absent if there are none. One
 * automaton for all buffers, over bytes without case: state' = next[state][class[byte]].
 */
struct ids_patterns {
	__u32 generation;                 /* of the rule set; never 0 */
	__u32 regions;                    /* bit n: patterns look into region n */
	__u8 byte_class[256];             /* class * 2, as an offset in a row */
	__u16 root[IDS_REGIONS];          /* state before the first byte of a buffer; 0: nothing is looked for there */
	__u16 end_first[IDS_REGIONS];     /* of rule[]: those of a buffer that are asked at its end in any case ... */
	__u16 end_rules[IDS_REGIONS];     /* ... and how many there are */
	__u32 output[IDS_PATTERN_STATES]; /* index of outputs[], 0 = none */
	__u16 outputs[IDS_PATTERN_OUTPUTS];
	struct ids_pattern pattern[IDS_PATTERNS];
	__u16 pair[IDS_PATTERN_PAIRS]; /* rules by pattern */
	struct ids_l7_rule rule[IDS_L7_RULES_MAX];
	__u8 text[IDS_PATTERN_TEXT];
	__u32 gram_kinds; /* kinds of messages that are kept back unless a gram stands in them */
	__u32 pad;
	__u32 gram_map[IDS_GRAM_KINDS][IDS_GRAM_WORDS]; /* a bit by the hash of the first 4 bytes of a gram */
	struct ids_gram gram[IDS_GRAM_SLOTS + IDS_GRAM_PROBES];
	__u16 next[IDS_PATTERN_STATES * IDS_PATTERN_CLASSES];
	__u16 beyond[IDS_PATTERN_CLASSES * 2]; /* never reached */
};

/* Layer 7 at run time; written by the engine. */
enum ids_l7_setting {
	IDS_L7_HTTP = 1, /* HTTP is parsed */
	IDS_L7_TLS = 2,
	IDS_L7_DNS = 4,
	IDS_L7_ALL_HEADS = 8, /* an engine rule on requests has no literal: every head goes to the engine */
	IDS_L7_LOG_HTTP = 16,
	IDS_L7_LOG_TLS = 32,
	IDS_L7_LOG_DNS = 64,
	IDS_L7_AGGREGATE = 256,     /* ids_top is kept, of messages that are read */
	IDS_L7_ALL_RESPONSES = 512, /* as ALL_HEADS, of responses */
	IDS_L7_ALL_HELLOS = 1024,   /* engine rules on TLS */
	IDS_L7_ALL_QUERIES = 2048,  /* engine rules on DNS without a literal */
	IDS_L7_HOLD = 4096,   /* an inline rule is loaded: a segment that cannot wait is dropped, TCP sends it again */
	IDS_L7_SELECT = 8192, /* LOG_HTTP: what ids_log says has to hold, and */
	IDS_L7_LOG_SLOT = 16384,    /* its second value is the one in force */
	IDS_L7_RESPONSES = 32768,   /* rules look at responses, or all are to be counted */
	IDS_L7_ALL_ANSWERS = 65536, /* engine rules on DNS answers */
};

enum ids_log_flag {
	IDS_LOG_STATUS = 1, /* only from status_min to status_max: decided with the response */
	IDS_LOG_SLOW = 2,   /* only with a latency of slow_us or more */
	IDS_LOG_METHOD = 4,
	IDS_LOG_HOST = 8,
	IDS_LOG_PATH = 16,
	IDS_LOG_PORT = 32,
	IDS_LOG_HEADERS = 64, /* only kept lines are handed over, behind the start line */
};

enum ids_log_limit {
	IDS_LOG_NAMES = 32, /* headers that are asked for by name */
};

/*
 * Which requests and responses are logged. ids_log has two values: the engine writes the one that is not in force, and
 * then turns to it with IDS_L7_LOG_SLOT.
 */
struct ids_log {
	__u32 flags;  /* enum ids_log_flag */
	__u32 sample; /* one in so many, 1 = all */
	__u16 status_min;
	__u16 status_max;
	__u32 slow_us;
	__be16 port;
	__u8 method_len;
	__u8 host_len;
	__u8 path_len;
	__u8 names; /* in use of name[] */
	__u8 pad[2];
	char method[16];
	char host[64]; /* lower case, without port */
	char path[64]; /* prefix */
	/* Headers whose values are counted, as FNV-1a over the name in small letters, `_` as `-`. */
	__u32 name[IDS_LOG_NAMES];
};

/* Settings of layer 7: the only value of ids_l7_settings. */
struct ids_l7_settings {
	__u32 flags;        /* enum ids_l7_setting */
	__u32 depth[2];     /* inspection depth by direction, in bytes */
	__u32 epoch;        /* of the aggregates: what was counted under another one does not count any more */
	__u64 hash_key[2];  /* of the hashes of masked values, made at start */
	__u8 ignored[8192]; /* a bit a port: left alone */
	__u8 shallow[8192]; /* a bit a port: nothing is handed over for inspection */
};

enum ids_http_flag {
	IDS_HTTP_TRUNCATED = 1, /* the section does not end in what was captured */
	IDS_HTTP_REDACTED = 2,  /* at least one byte was masked */
	IDS_HTTP_RESPONSE = 4,
	IDS_HTTP_LOGGED = 8,       /* selected by the log */
	IDS_HTTP_WANTED = 16,      /* a rule of the engine could match */
	IDS_HTTP_ODD = 32,         /* normalisation would change it */
	IDS_HTTP_SPANNED = 64,     /* it came in more than one segment */
	IDS_HTTP_CONFLICT = 128,   /* overlapping segments differed: the first ones are here */
	IDS_HTTP_LENGTHS = 256,    /* conflicting message lengths */
	IDS_HTTP_KEPT_LINES = 512, /* only the lines that the log keeps */
	IDS_HTTP_DECIDED = 1024,   /* a rule of the kernel matched it; its alert is in the other ring */
	IDS_HTTP_GAP = 2048,       /* the messages before it in this direction were not all seen */
	IDS_HTTP_SELECTED = 4096,  /* LOGGED, and all that the log selects by was asked, the sampling too */
};

/* A value that was masked: where it stands in the section, what it was. */
struct ids_masked {
	__u32 offset;
	__u32 length;
	__u64 hash; /* SipHash-2-4 of the value under ids_l7_settings.hash_key */
};

/*
 * A record of the bulk ring: this, then `length` bytes of the section (masked), zero bytes up to a multiple of 8, then
 * masked[], then hit[] as __u16, then edge[] as __u32 from a multiple of 4 on.
 */
struct ids_http {
	struct ids_event event;
	__u32 length;
	__u32 flags;      /* enum ids_http_flag */
	__u32 message;    /* number of the section in its direction, from 1; a response has that of its request */
	__u32 section;    /* bytes of the section as it was sent */
	__u32 latency_us; /* response: since its request ended; 0 = not known */
	__u16 status;     /* response */
	__u8 masked;
	__u8 hits;
	__u8 edges;
	__u8 decided;            /* rules of the kernel that matched it */
	__u16 rule[IDS_DECIDED]; /* positions of the first of them */
	__u16 pad;
	__u32 told; /* bit n: rules of the kernel were asked about the whole of region n */
};

/* A record of the bulk ring: `length` bytes of a TLS hello or flight, a DNS message, or payload for inspection. */
enum ids_bytes_flag {
	IDS_BYTES_LAST = 1,      /* the depth is reached, or the direction has ended */
	IDS_BYTES_GAP = 2,       /* bytes before this are missing */
	IDS_BYTES_TRUNCATED = 4, /* the message is longer */
	IDS_BYTES_LOGGED = 8,
	IDS_BYTES_WANTED = 16,
	IDS_BYTES_MASKED = 32,
	IDS_BYTES_PACKET = 64,   /* payload of one packet, not of a stream */
	IDS_BYTES_DECIDED = 128, /* a rule of the kernel matched it; its alert is in the other ring */
	IDS_BYTES_ANEW = 512,    /* inspection: what the direction has sent before was refused: it begins with this */
	IDS_BYTES_HEADERS = 256, /* inspection: struct ids_headers and the headers come first */
	IDS_BYTES_AGAIN = 1024,  /* payload of a segment that brings the stream nothing new */
};

/*
 * With IDS_BYTES_HEADERS, between the record and its bytes: what the kernel's rules saw of a packet. The bytes are then its
 * headers from the IP header on (of a datagram that was put together from the transport header on), and behind them, with
 * IDS_BYTES_PACKET, its payload.
 */
struct ids_headers {
	__u32 present; /* bit n: field[n] is there */
	__u32 field[IDS_FIELDS];
	__u16 l4;       /* of the bytes, where the transport header begins, */
	__u16 payload;  /* and where the headers end */
	__u8 l4_read;   /* the transport header was read */
	__u8 in_window; /* TCP: the sequence number is near what the flow expects */
	__u8 pad[2];
};

struct ids_bytes_record {
	struct ids_event event;
	__u32 length;
	__u32 flags;  /* enum ids_bytes_flag */
	__u32 offset; /* inspection: of the first byte in its direction; else the number of the message */
	__u32 total;  /* bytes of the message as it was sent */
	__u32 told;   /* the last three as in ids_http */
	__u16 rule[IDS_DECIDED];
	__u8 decided;
	__u8 pad[3];
};

/* Aggregates of HTTP by value: what was asked for how often, and how it was answered. */
enum ids_top_kind {
	IDS_TOP_HOST = 1,
	IDS_TOP_PATH = 2, /* template: runs of digits and long hexadecimal parts are one sign, the query is left out */
	IDS_TOP_USER_AGENT = 3,
	IDS_TOP_STATUS = 4,
	IDS_TOP_HEADER = 5, /* value of a kept header */
	IDS_TOP_METHOD = 6,
};

enum ids_top_limit {
	IDS_TOP_WAYS = 8,
	IDS_TOP_SETS = 1024,
	IDS_TOP_TEXT = 124,
	IDS_TOP_HASHED = 128, /* bytes of a value that tell it from others */
	IDS_TOP_BUCKETS = 32,
	IDS_TOP_BUSY = 1,     /* key: being written */
	IDS_TOP_EPOCH = 0xff, /* bits of a key that are those of the epoch it belongs to */
};

/* The keys of a set of values, and how often each was met, apart from the rest: two cache lines. */
struct ids_top_set {
	__u64 key[IDS_TOP_WAYS]; /* keyed hash of kind, index and value, with the epoch; 0: free */
	__u64 count[IDS_TOP_WAYS];
};

/* A value; the place is set * IDS_TOP_WAYS + way. */
struct ids_top {
	__u64 latency_us;               /* sum over responses */
	__u64 status[6];                /* responses by hundreds; 0 = none seen */
	__u32 latency[IDS_TOP_BUCKETS]; /* histogram: by power of two of microseconds */
	__u32 kind;                     /* enum ids_top_kind */
	__u32 index;                    /* IDS_TOP_HEADER: which one, as in ids_log.name */
	__u8 length;
	__u8 pad[3];
	char text[IDS_TOP_TEXT]; /* the value as it was first seen, cut; of a masked one its hash */
};

#endif
