/* A relay inside the kernel: a program at tc ingress that rewrites addresses and ports and redirects the frame, with a clone
 * for each further output.  Loaded with `tc filter add dev LINK ingress bpf direct-action object-file … section tc`.
 *
 * The rules are compiled in: table.h of the run defines INPUT_GROUP, INPUT_PORT, FLOWS (flow i comes to INPUT_PORT + i) and
 * OUTPUTS, a list of { group, port, source, link's index, link's address }, all in host order. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct output {
	__u32 group;
	__u32 port;
	__u32 source;
	__u32 link;
	__u8 address[ETH_ALEN];
};

#include "table.h"

static const struct output outputs[] = OUTPUTS;

#define OUTPUT_COUNT (sizeof(outputs) / sizeof(outputs[0]))
#define IP_AT ETH_HLEN
#define UDP_AT (ETH_HLEN + sizeof(struct iphdr))

/* Puts one output's addresses into the frame, whatever is there now, and mends both checksums. */
static __always_inline void rewrite(struct __sk_buff *skb, const struct output *to, __u16 flow)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *ether = data;
	struct iphdr *ip = data + IP_AT;
	struct udphdr *udp = data + UDP_AT;
	__be32 old[3], new[3];
	__be16 old_life, new_life;
	__s64 addresses, ports;

	if ((void *)(udp + 1) > end)
		return;
	ether->h_dest[0] = 0x01;
	ether->h_dest[1] = 0x00;
	ether->h_dest[2] = 0x5e;
	ether->h_dest[3] = (to->group >> 16) & 0x7f;
	ether->h_dest[4] = (to->group >> 8) & 0xff;
	ether->h_dest[5] = to->group & 0xff;
	__builtin_memcpy(ether->h_source, to->address, ETH_ALEN);
	old[0] = ip->saddr;
	old[1] = ip->daddr;
	old[2] = *(__be32 *)udp;
	new[0] = bpf_htonl(to->source);
	new[1] = bpf_htonl(to->group);
	new[2] = bpf_htonl((to->port + flow) << 16 | (to->port + flow));
	old_life = *(__be16 *)&ip->ttl;
	ip->ttl = 1;
	new_life = *(__be16 *)&ip->ttl;
	ip->saddr = new[0];
	ip->daddr = new[1];
	*(__be32 *)udp = new[2];
	addresses = bpf_csum_diff(old, 8, new, 8, 0);
	ports = bpf_csum_diff(old + 2, 4, new + 2, 4, 0);
	bpf_l3_csum_replace(skb, IP_AT + offsetof(struct iphdr, check), old_life, new_life, 2);
	bpf_l3_csum_replace(skb, IP_AT + offsetof(struct iphdr, check), 0, addresses, 0);
	bpf_l4_csum_replace(skb, UDP_AT + offsetof(struct udphdr, check), 0, addresses,
			    BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0);
	bpf_l4_csum_replace(skb, UDP_AT + offsetof(struct udphdr, check), 0, ports, BPF_F_MARK_MANGLED_0);
}

SEC("tc")
int relay(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + IP_AT;
	struct udphdr *udp = data + UDP_AT;
	__u16 flow;

	if ((void *)(udp + 1) > end || skb->protocol != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_UDP ||
	    ip->ihl != 5 || ip->daddr != bpf_htonl(INPUT_GROUP))
		return TC_ACT_OK;
	flow = bpf_ntohs(udp->dest) - INPUT_PORT;
	if (flow >= FLOWS)
		return TC_ACT_OK;
	for (__u32 i = 0; i + 1 < OUTPUT_COUNT; i++) {
		rewrite(skb, &outputs[i], flow);
		bpf_clone_redirect(skb, outputs[i].link, 0);
	}
	rewrite(skb, &outputs[OUTPUT_COUNT - 1], flow);
	return (int)bpf_redirect(outputs[OUTPUT_COUNT - 1].link, 0);
}

char program_license[] SEC("license") = "GPL";
