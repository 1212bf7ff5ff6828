/* The relay that one writes in an hour: recvmmsg from a UDP socket, sendmmsg on one connected UDP socket per output.
 *
 * Kept fair: large socket buffers, large batches, no copy and no allocation per datagram, no epoll where one socket can
 * simply block.  Batches come from backlog: MSG_WAITFORONE returns with what is there.
 *
 * usage: plain FLOWS GROUP:PORT:LINK_ADDRESS OUTPUT_GROUP:PORT:LINK_ADDRESS...
 * Flow i comes to PORT + i and leaves to each output's PORT + i. */
#include <sys/epoll.h>

#include "peer.h"

#define BATCH 256
#define DATAGRAM_MAX 2048

struct flow {
	int in;
	int outs[OUTPUTS_MAX];
};

static struct flow flows[FLOWS_MAX];
static int output_count;
static char bytes[BATCH][DATAGRAM_MAX];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

static int open_input(struct place place, int flow)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = place.group };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), none = 0, room = SOCKET_ROOM;

	at.sin_port = htons((unsigned short)(place.port + flow));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &none, sizeof(none)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("input");
	join(fd, place);
	return fd;
}

/* Sends a batch to one output.  What the kernel refuses is given up: one bad datagram must not hold the rest. */
static void send_batch(int fd, int count)
{
	for (int done = 0; done < count;) {
		int sent = sendmmsg(fd, messages + done, (unsigned)(count - done), 0);

		done += sent > 0 ? sent : 1;
	}
}

static void relay(struct flow *flow, int flags)
{
	int count;

	for (int i = 0; i < BATCH; i++)
		parts[i].iov_len = DATAGRAM_MAX;
	count = recvmmsg(flow->in, messages, BATCH, flags, NULL);
	if (count < 0 && errno != EAGAIN && errno != EINTR)
		die("recvmmsg");
	for (int i = 0; i < count; i++)
		parts[i].iov_len = messages[i].msg_len;
	for (int i = 0; count > 0 && i < output_count; i++)
		send_batch(flow->outs[i], count);
}

static void relay_many(int flow_count)
{
	struct epoll_event events[FLOWS_MAX];
	int epoll = epoll_create1(0);

	for (int i = 0; i < flow_count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &flows[i] };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, flows[i].in, &event) < 0)
			die("epoll");
	}
	for (;;) {
		int ready = epoll_wait(epoll, events, flow_count, -1);

		for (int i = 0; i < ready; i++)
			relay(events[i].data.ptr, MSG_DONTWAIT);
	}
}

int main(int argc, char **argv)
{
	int flow_count = argc > 3 ? atoi(argv[1]) : 0;

	output_count = argc - 3;
	if (flow_count < 1 || flow_count > FLOWS_MAX || output_count > OUTPUTS_MAX) {
		fprintf(stderr, "usage: plain FLOWS GROUP:PORT:LINK_ADDRESS OUTPUT_GROUP:PORT:LINK_ADDRESS...\n");
		return 64;
	}
	for (int i = 0; i < BATCH; i++) {
		parts[i].iov_base = bytes[i];
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (int i = 0; i < flow_count; i++) {
		flows[i].in = open_input(parse(argv[2]), i);
		for (int o = 0; o < output_count; o++)
			flows[i].outs[o] = open_output(parse(argv[3 + o]), i);
	}
	printf("ready\n");
	fflush(stdout);
	if (flow_count > 1)
		relay_many(flow_count);
	for (;;)
		relay(&flows[0], MSG_WAITFORONE);
}
