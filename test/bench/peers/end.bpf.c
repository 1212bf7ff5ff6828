/* Ends every frame at tc ingress, behind the taps: what a relay with a mapped ring does not want the IP stack to see. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int end(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_SHOT;
}

char program_license[] SEC("license") = "GPL";
