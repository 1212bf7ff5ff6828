/* The bench's receiver at real sockets: what arrived, in what order, and how long it took.
 *
 * Latency ends with the kernel's receive timestamp of the datagram, not when this program gets to run: it looks only every
 * few milliseconds, so that it takes no CPU from what is measured and nobody has to wake it.
 *
 * usage: receiver GROUP:PORT:LINK_ADDRESS...
 * Each line on stdin is answered, once nothing comes any more, with the result since the last one, as one JSON line: received, late (numbers not above
 * the highest seen in their flow: reordered or repeated), latencies in ns, and how many took longer than 1 and than 20 ms. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 3
#define QUIET_MS 100
#define QUIET_LOOKS_MAX 30
#define SOCKETS_MAX 1024
#define BATCH 64
/* Buckets of a latency: 32 to each power of two, so 3 % wide. */
#define STEPS 32
#define BUCKETS (64 * STEPS)

struct source {
	int fd;
	uint64_t next;
};

static struct source sources[SOCKETS_MAX];
static int source_count;
static uint64_t histogram[BUCKETS], received, late, over_1ms, over_20ms;
static uint64_t heads[BATCH][2];
static char control[BATCH][128];

static void die(const char *what)
{
	fprintf(stderr, "receiver: %s: %s\n", what, strerror(errno));
	exit(71);
}

static int open_source(const char *text)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	char group[32], link[32];
	struct ip_mreq join;
	int port, one = 1, none = 0, room = 32 << 20;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (sscanf(text, "%31[^:]:%d:%31s", group, &port, link) != 3) {
		fprintf(stderr, "receiver: not GROUP:PORT:LINK_ADDRESS: %s\n", text);
		exit(64);
	}
	at.sin_addr.s_addr = join.imr_multiaddr.s_addr = inet_addr(group);
	join.imr_interface.s_addr = inet_addr(link);
	at.sin_port = htons((uint16_t)port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &none, sizeof(none)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)) < 0)
		die(text);
	return fd;
}

static int bucket_of(uint64_t ns)
{
	int power;

	if (ns < STEPS)
		return (int)ns;
	power = 63 - __builtin_clzll(ns);
	return (power - 4) * STEPS + (int)((ns >> (power - 5)) & (STEPS - 1));
}

/* The middle of a bucket. */
static double value_of(int bucket)
{
	int power = bucket / STEPS + 4;

	if (bucket < STEPS)
		return bucket;
	return ((double)(STEPS + bucket % STEPS) + 0.5) * (double)(1ull << (power - 5));
}

static double percentile(double part)
{
	uint64_t seen = 0;

	for (int i = 0; i < BUCKETS; i++) {
		seen += histogram[i];
		if (seen > 0 && (double)seen >= part * (double)received)
			return value_of(i);
	}
	return 0;
}

static void take(struct source *source, struct msghdr *header, const uint64_t head[2])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	struct timespec at;
	uint64_t arrived;

	received++;
	if (head[0] >= source->next)
		source->next = head[0] + 1;
	else
		late++;
	if (!c || c->cmsg_type != SO_TIMESTAMPNS)
		return;
	memcpy(&at, CMSG_DATA(c), sizeof(at));
	arrived = (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
	uint64_t taken = arrived > head[1] ? arrived - head[1] : 0;

	histogram[bucket_of(taken)]++;
	over_1ms += taken > 1000000;
	over_20ms += taken > 20000000;
}

static void drain(struct source *source)
{
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	int count;

	do {
		memset(messages, 0, sizeof(messages));
		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ heads[i], sizeof(heads[i]) };
			messages[i].msg_hdr.msg_iov = &parts[i];
			messages[i].msg_hdr.msg_iovlen = 1;
			messages[i].msg_hdr.msg_control = control[i];
			messages[i].msg_hdr.msg_controllen = sizeof(control[i]);
		}
		count = recvmmsg(source->fd, messages, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < count; i++)
			take(source, &messages[i].msg_hdr, heads[i]);
	} while (count == BATCH);
}

static void drain_all(void)
{
	for (int i = 0; i < source_count; i++)
		drain(&sources[i]);
}

/* A relay under load goes on sending what it has buffered: until nothing came for a while. */
static void drain_until_quiet(void)
{
	uint64_t last;

	for (int looks = 0; looks < QUIET_LOOKS_MAX; looks++) {
		last = received;
		poll(NULL, 0, QUIET_MS);
		drain_all();
		if (received == last)
			return;
	}
}

static void report(void)
{
	printf("{\"received\":%llu,\"late\":%llu,\"p50_ns\":%.0f,\"p99_ns\":%.0f,\"p999_ns\":%.0f,\"max_ns\":%.0f,"
	       "\"over_1ms\":%llu,\"over_20ms\":%llu}\n",
	       (unsigned long long)received, (unsigned long long)late, percentile(0.5), percentile(0.99),
	       percentile(0.999), percentile(1), (unsigned long long)over_1ms, (unsigned long long)over_20ms);
	fflush(stdout);
	received = late = over_1ms = over_20ms = 0;
	memset(histogram, 0, sizeof(histogram));
	for (int i = 0; i < source_count; i++)
		sources[i].next = 0;
}

int main(int argc, char **argv)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	char line[64];

	if (argc < 2 || argc > SOCKETS_MAX) {
		fprintf(stderr, "usage: receiver GROUP:PORT:LINK_ADDRESS...\n");
		return 64;
	}
	for (source_count = 0; source_count < argc - 1; source_count++)
		sources[source_count].fd = open_source(argv[source_count + 1]);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int ready = poll(&input, 1, LOOK_MS);

		drain_all();
		if (ready <= 0)
			continue;
		if (read(0, line, sizeof(line)) <= 0)
			return 0;
		drain_until_quiet();
		report();
	}
}
