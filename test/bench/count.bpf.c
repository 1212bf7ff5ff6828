/* Counts UDP datagrams at a link's tc ingress and drops them, so that the receiver is never the limit of a rate.
 * A super-frame counts as the datagrams it holds (gso_segs); everything else, such as ARP, goes on. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct total {
	__u64 datagrams;
	__u64 frames;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct total);
} totals SEC(".maps");

SEC("tc")
int count(struct __sk_buff *skb)
{
	struct total *total;
	__u32 first = 0;
	__u8 protocol = 0;

	if (skb->protocol != bpf_htons(ETH_P_IP) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, protocol), &protocol, 1) < 0 ||
	    protocol != IPPROTO_UDP)
		return TC_ACT_OK;
	total = bpf_map_lookup_elem(&totals, &first);
	if (total) {
		total->datagrams += skb->gso_segs ? skb->gso_segs : 1;
		total->frames++;
	}
	return TC_ACT_SHOT;
}

char program_license[] SEC("license") = "GPL";
