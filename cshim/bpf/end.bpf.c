/* The program at tc ingress: counts the frames that rules consume, and ends
 * them there.  A tap bound with ETH_P_ALL has had its copy by then; what ends
 * here spares the host the climb to UDP and the sender a "port unreachable".
 *
 * It must never end a frame that no rule consumes, so it passes whatever it is
 * not sure of.  TC_ACT_UNSPEC (TCX_NEXT) leaves the decision to others. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

/* src/shim/program.ts writes and reads these maps and has their layout too: a change here is a change there.
 * The program names a map by a mark plus its number; the loader puts the map's descriptor in its place. */
#define MAP_MARK 0x4d43525f00000000ull
#define MAP(number) ((void *)(MAP_MARK + (number)))
enum { MAP_RULES, MAP_COUNTS, MAP_DOOR };

/* Which frames a rule takes; host order throughout.  source 0: every source. */
struct rule_key {
	__u32 link; /* interface index */
	__u32 destination;
	__u32 source;
	__u16 port; /* 0: ESP has none */
	__u16 protocol;
};

/* END: its frames end here.  SOURCES: keys with a source stand beside this one. */
enum { RULE_END = 1, RULE_SOURCES = 2 };
/* Of a key without a rule of its own, there for its sources. */
#define NO_COUNTER 0xffffffffu

struct rule_value {
	__u32 counter; /* index into the counts */
	__u32 flags;
};

/* Of one rule, on one CPU. */
struct rule_counts {
	__u64 datagrams; /* meant for the rule */
	__u64 bytes;     /* their payload */
	__u64 ended;     /* of the datagrams */
};
_Static_assert(sizeof(struct rule_key) == 16 && sizeof(struct rule_value) == 8, "no gaps");

#define PART(name) __attribute__((section(name), used))

static void *(*lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*load)(const struct __sk_buff *frame, __u32 offset, void *to, __u32 size, __u32 from) =
	(void *)BPF_FUNC_skb_load_bytes_relative;
static long (*pull)(struct __sk_buff *frame, __u32 size) = (void *)BPF_FUNC_skb_pull_data;
static long (*tail_call)(struct __sk_buff *frame, void *map, __u32 index) = (void *)BPF_FUNC_tail_call;

struct headers {
	struct iphdr ip;
	struct udphdr udp; /* of ESP: the first bytes of its header */
};

static __always_inline __u16 host16(__u16 value) { return __builtin_bswap16(value); }
static __always_inline __u32 host32(__u32 value) { return __builtin_bswap32(value); }

/* 0, or a negative number when this is not the head of a datagram that can be looked up. */
static __always_inline int headers_load(struct __sk_buff *frame, struct headers *at)
{
	const __u32 most = ETH_HLEN + 60 + sizeof(at->udp);

	if (load(frame, 0, at, sizeof(*at), BPF_HDR_START_NET) < 0) {
		/* A driver may leave headers outside the linear part; the IP stack would pull them just the same. */
		if (pull(frame, frame->len < most ? frame->len : most) < 0 ||
		    load(frame, 0, at, sizeof(*at), BPF_HDR_START_NET) < 0)
			return -1;
	}
	if (at->ip.version != 4 || at->ip.ihl < 5)
		return -1;
	if (at->ip.ihl > 5)
		return (int)load(frame, at->ip.ihl * 4, &at->udp, sizeof(at->udp), BPF_HDR_START_NET);
	return 0;
}

static __always_inline struct rule_value *rule_find(struct rule_key *key, __u32 source)
{
	struct rule_value *any = lookup(MAP(MAP_RULES), key);
	struct rule_value *one;

	if (!any || !(any->flags & RULE_SOURCES))
		return any;
	key->source = source;
	one = lookup(MAP(MAP_RULES), key);
	return one ? one : any;
}

PART("end") int mcr_end(struct __sk_buff *frame)
{
	struct rule_key key = { .link = frame->ifindex };
	struct rule_counts *counts;
	struct rule_value *rule;
	struct headers at;
	__u32 count = 1, size, segment;

	/* For others, going out, or (PACKET_LOOPBACK) a local sender's own copy: no tap of ours takes those. */
	if (frame->pkt_type > PACKET_MULTICAST || frame->protocol != host16(ETH_P_IP))
		return TC_ACT_UNSPEC;
	/* Of another network; a priority tag (VLAN 0) is not. */
	if (frame->vlan_present && frame->vlan_tci & 0xfff)
		return TC_ACT_UNSPEC;
	if (headers_load(frame, &at) < 0)
		return TC_ACT_UNSPEC;
	/* Fragments pass, all of them: only the first has a port, and without it the others would lie for 30 s in the
	 * memory for reassembly, of which the taps' own reassembly takes its share too. */
	if (at.ip.frag_off & host16(0x3fff))
		return TC_ACT_UNSPEC;
	key.destination = host32(at.ip.daddr);
	key.protocol = at.ip.protocol;
	if (at.ip.protocol == IPPROTO_UDP) {
		key.port = host16(at.udp.dest);
		size = host16(at.udp.len) - sizeof(at.udp);
	} else if (at.ip.protocol == IPPROTO_ESP) {
		size = host16(at.ip.tot_len) - at.ip.ihl * 4u;
	} else {
		return TC_ACT_UNSPEC;
	}
	rule = rule_find(&key, host32(at.ip.saddr));
	/* More than 65535: the header says less than its own size, and the relay refuses it too. */
	if (!rule || rule->counter == NO_COUNTER || size > 0xffff)
		return TC_ACT_UNSPEC;
	segment = frame->gso_size;
	if (segment && size > segment)
		count = (size + segment - 1) / segment;
	counts = lookup(MAP(MAP_COUNTS), &rule->counter);
	if (counts) {
		counts->datagrams += count;
		counts->bytes += size;
		if (rule->flags & RULE_END)
			counts->ended += count;
	}
	return rule->flags & RULE_END ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* For kernels without tcx, whose filters outlive whoever made them: this one does nothing by itself.  The kernel
 * empties the map of programs when the last descriptor of it is closed, so what it leads to ends with us. */
PART("door") int mcr_door(struct __sk_buff *frame)
{
	tail_call(frame, MAP(MAP_DOOR), 0);
	return TC_ACT_UNSPEC;
}
