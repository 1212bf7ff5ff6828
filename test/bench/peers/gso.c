/* Three relays that differ in how they capture and send alike: consecutive datagrams of one size leave as one sendmsg with
 * UDP_SEGMENT, per output, straight from where they were captured.  What the choice of the capture is worth, without the rest.
 *
 *   v2   mapped packet ring, TPACKET_V2: slots        v3   TPACKET_V3: blocks, closed when full or after a millisecond
 *   gro  a UDP socket with UDP_GRO, where the link gathers for it; recvmmsg into 64 KiB buffers
 *
 * A ring's original climbs on after the tap unless somebody ends it at tc ingress: the caller does.
 *
 * usage: gso v2|v3|gro IN_LINK GROUP:PORT:LINK_ADDRESS OUTPUT_GROUP:PORT:LINK_ADDRESS...      one flow */
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/mman.h>

#include "peer.h"

#define PIECES_MAX 64
#define SEND_MAX 65507
#define RING_SIZE (16 << 20)
#define SLOT_SIZE 2048
#define BLOCK_SIZE_V3 (256 << 10)
#define MESSAGES 32
#define MESSAGE_MAX 65536

static int outs[OUTPUTS_MAX], output_count;
static struct iovec pieces[PIECES_MAX];
static size_t piece_count, piece_size, bytes;
static int is_closed;

static void send_pieces(uint16_t segment)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(segment))];
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = piece_count };

	if (segment) {
		struct cmsghdr *c = (struct cmsghdr *)control;

		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		c->cmsg_level = SOL_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(segment));
		memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	}
	for (int i = 0; i < output_count; i++)
		sendmsg(outs[i], &message, 0);
}

static void flush_pieces(void)
{
	if (piece_count)
		send_pieces(piece_count > 1 ? (uint16_t)piece_size : 0);
	piece_count = bytes = 0;
	is_closed = 0;
}

/* One datagram, which stays where it is until the next flush. */
static void add(char *at, size_t size)
{
	if (piece_count == PIECES_MAX || is_closed || (piece_count && size > piece_size) || bytes + size > SEND_MAX)
		flush_pieces();
	if (!piece_count)
		piece_size = size;
	is_closed = size < piece_size;
	pieces[piece_count++] = (struct iovec){ at, size };
	bytes += size;
}

/* IPv4 without options, UDP, this group and port, behind an Ethernet header. */
static void filter(int fd, struct place place)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14 + 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(place.group.s_addr), 0, 7),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 14 + 22),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)place.port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		die("filter");
}

/* Bound to all protocols, as a tap that sees frames before tc ingress must be. */
static char *open_ring(const char *link, struct place place, int version, int *fd)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	unsigned block = version == TPACKET_V3 ? BLOCK_SIZE_V3 : 4096;
	struct tpacket_req3 request = {
		.tp_block_size = block, .tp_block_nr = RING_SIZE / block,
		.tp_frame_size = SLOT_SIZE, .tp_frame_nr = RING_SIZE / SLOT_SIZE,
		.tp_retire_blk_tov = 1,
	};
	int one = 1;
	char *ring;

	join(socket(AF_INET, SOCK_DGRAM, 0), place);
	*fd = socket(AF_PACKET, SOCK_RAW, 0);
	at.sll_ifindex = (int)if_nametoindex(link);
	filter(*fd, place);
	if (setsockopt(*fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(*fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(*fd, SOL_PACKET, PACKET_RX_RING, &request,
		       version == TPACKET_V3 ? sizeof(request) : sizeof(struct tpacket_req)) < 0)
		die("ring");
	ring = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (ring == MAP_FAILED || bind(*fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("ring");
	return ring;
}

static void add_frame(char *ip)
{
	const unsigned char *udp = (unsigned char *)ip + 20;

	add(ip + 28, (size_t)(udp[4] << 8 | udp[5]) - 8);
}

static void wait_for(int fd)
{
	poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1);
}

static void relay_v2(const char *link, struct place place)
{
	unsigned next = 0, count = RING_SIZE / SLOT_SIZE, first = 0;
	int fd;
	char *ring = open_ring(link, place, TPACKET_V2, &fd);

	for (;;) {
		unsigned taken = 0;

		for (; taken < 256; taken++, next = (next + 1) % count) {
			struct tpacket2_hdr *slot = (void *)(ring + (size_t)next * SLOT_SIZE);

			if (!(__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
				break;
			add_frame((char *)slot + slot->tp_net);
		}
		flush_pieces();
		for (; first != next; first = (first + 1) % count)
			__atomic_store_n(&((struct tpacket2_hdr *)(void *)(ring + (size_t)first * SLOT_SIZE))->tp_status,
					 TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		if (!taken)
			wait_for(fd);
	}
}

static void relay_v3(const char *link, struct place place)
{
	unsigned next = 0, count = RING_SIZE / BLOCK_SIZE_V3;
	int fd;
	char *ring = open_ring(link, place, TPACKET_V3, &fd);

	for (;; next = (next + 1) % count) {
		struct tpacket_block_desc *block = (void *)(ring + (size_t)next * BLOCK_SIZE_V3);
		struct tpacket3_hdr *frame;

		while (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			wait_for(fd);
		frame = (void *)((char *)block + block->hdr.bh1.offset_to_first_pkt);
		for (unsigned i = 0; i < block->hdr.bh1.num_pkts; i++) {
			add_frame((char *)frame + frame->tp_net);
			frame = (void *)((char *)frame + frame->tp_next_offset);
		}
		flush_pieces();
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	}
}

static void take(struct mmsghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(&message->msg_hdr);
	int segment = 0;

	if (c && c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
		memcpy(&segment, CMSG_DATA(c), sizeof(segment));
	if (!segment || (unsigned)segment >= message->msg_len) {
		add(message->msg_hdr.msg_iov->iov_base, message->msg_len);
		return;
	}
	/* It came as one and leaves as one. */
	flush_pieces();
	pieces[0] = (struct iovec){ message->msg_hdr.msg_iov->iov_base, message->msg_len };
	piece_count = 1;
	send_pieces((uint16_t)segment);
	piece_count = 0;
}

static void relay_gro(struct place place)
{
	static char room[MESSAGES][MESSAGE_MAX], control[MESSAGES][64];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = place.group };
	struct mmsghdr messages[MESSAGES];
	struct iovec parts[MESSAGES];
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1, size = SOCKET_ROOM;

	at.sin_port = htons((unsigned short)place.port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("input");
	join(fd, place);
	for (;;) {
		int count;

		memset(messages, 0, sizeof(messages));
		for (int i = 0; i < MESSAGES; i++) {
			parts[i] = (struct iovec){ room[i], MESSAGE_MAX };
			messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1,
							       .msg_control = control[i],
							       .msg_controllen = sizeof(control[i]) };
		}
		count = recvmmsg(fd, messages, MESSAGES, MSG_WAITFORONE, NULL);
		for (int i = 0; i < count; i++)
			take(&messages[i]);
		flush_pieces();
	}
}

int main(int argc, char **argv)
{
	output_count = argc - 4;
	if (argc < 5 || output_count > OUTPUTS_MAX) {
		fprintf(stderr, "usage: gso v2|v3|gro IN_LINK GROUP:PORT:LINK_ADDRESS OUTPUT_GROUP:PORT:LINK_ADDRESS...\n");
		return 64;
	}
	for (int i = 0; i < output_count; i++)
		outs[i] = open_output(parse(argv[4 + i]), 0);
	printf("ready\n");
	fflush(stdout);
	if (!strcmp(argv[1], "v2"))
		relay_v2(argv[2], parse(argv[3]));
	else if (!strcmp(argv[1], "v3"))
		relay_v3(argv[2], parse(argv[3]));
	else
		relay_gro(parse(argv[3]));
}
