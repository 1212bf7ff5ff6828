/* AF_PACKET: the capture ring.  The supervisor makes the socket, the worker maps it. */
#include "abi.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

/* What src/relay/capture.ts reads by offset; packet(7), linux/if_packet.h. */
_Static_assert(sizeof(struct tpacket2_hdr) == 32, "tpacket2_hdr");
_Static_assert(offsetof(struct tpacket2_hdr, tp_snaplen) == 8, "tpacket2_hdr");
_Static_assert(offsetof(struct tpacket2_hdr, tp_mac) == 12, "tpacket2_hdr");
_Static_assert(offsetof(struct tpacket2_hdr, tp_net) == 14, "tpacket2_hdr");
_Static_assert(offsetof(struct tpacket2_hdr, tp_sec) == 16, "tpacket2_hdr");
_Static_assert(offsetof(struct tpacket2_hdr, tp_vlan_tci) == 24, "tpacket2_hdr");
_Static_assert(offsetof(struct sockaddr_ll, sll_protocol) == 2, "sockaddr_ll");
_Static_assert(offsetof(struct sockaddr_ll, sll_pkttype) == 10, "sockaddr_ll");
/* A filter instruction as src/supervise/capture/filter.ts writes it: u16 code, u8 jt, u8 jf, u32 k. */
_Static_assert(sizeof(struct sock_filter) == 8 && offsetof(struct sock_filter, k) == 4, "sock_filter");

/* Gives the socket its ring of TPACKET_V2 slots; what changes their layout must be set before. */
i32 mcr_capture_ring(i32 fd, u32 block_size, u32 block_count, u32 slot_size)
{
	struct tpacket_req request = {
		.tp_block_size = block_size,
		.tp_block_nr = block_count,
		.tp_frame_size = slot_size,
		.tp_frame_nr = slot_size ? block_size / slot_size * block_count : 0,
	};

	return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0 ? -errno : 0;
}

/* Binds to every protocol of one link: taps bound so see a frame before tc
 * ingress and netfilter can end it (net/core/dev.c, __netif_receive_skb_core). */
i32 mcr_capture_bind(i32 fd, u32 link_index, u32 protocol)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons((u16)protocol),
		.sll_ifindex = (int)link_index,
	};

	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/* Puts `count` classic BPF instructions in place of the filter there was, in one step. */
i32 mcr_capture_filter(i32 fd, ptr instructions, u32 count)
{
	struct sock_fprog program = { .len = (u16)count, .filter = instructions };

	if (count == 0 || count > BPF_MAXINSNS)
		return -EINVAL;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

/* What the ring took and what it had no slot for, since the last call. */
i32 mcr_capture_counts(i32 fd, ptr out)
{
	struct mcr_capture_counts *counts = out;
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
		return -errno;
	counts->frames = stats.tp_packets;
	counts->drops = stats.tp_drops;
	return 0;
}
