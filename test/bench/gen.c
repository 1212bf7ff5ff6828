/* The bench's generator: paced bursts of one flow after the other, from one socket per flow.
 *
 * A burst is one send with UDP_SEGMENT.  The link it leaves by has tx-udp-segmentation off, so real single frames
 * cross it; that is what reaches 1.3 M/s where one send per datagram stops at 330 k/s.
 * Payload: u64 number within the flow, u64 CLOCK_REALTIME in ns; the rest stays as it is.
 *
 * It spins between bursts: a sleep is late by more than the gap.  With GEN_GENTLE in the environment it sleeps until shortly
 * before, for a machine that has other work.  What is late by more than CATCH_UP_NS moves the
 * schedule, and the result says so: a generator that was held up must not repay it as one huge burst.
 *
 * With a SEED, bursts have random sizes up to BURST and random gaps, exponential around the rate's; and now and then nothing
 * comes for PAUSE_NS, so that whatever a relay forgot stands out by its latency.
 *
 * usage: gen LINK_ADDRESS GROUP PORT FLOWS SIZE RATE BURST MILLISECONDS [SEED]      (RATE 0: as fast as it goes)
 * Prints one JSON line: sent, errors, elapsed_ns, cpu_ns, send_ns (time inside the sends), shifted_ns. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define CATCH_UP_NS 2000000
#define SPIN_NS 15000
#define PAUSE_NS 40000000
#define PAUSE_EVERY 512
#define FLOWS_MAX 1024
#define BURST_MAX 64
#define PAYLOAD_MAX 65507

struct flow {
	int fd;
	uint64_t number;
};

static struct flow flows[FLOWS_MAX];
static char payload[PAYLOAD_MAX];

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift64 (Marsaglia, 2003). */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* How long after a burst of `burst` the next one comes. */
static uint64_t random_gap(uint64_t *state, double gap_each, int burst, uint64_t bursts)
{
	double part = (double)(random_next(state) >> 11) / (double)(1ull << 53);

	return bursts % PAUSE_EVERY == 0 ? PAUSE_NS : (uint64_t)(-log(1 - part) * gap_each * burst);
}

static void die(const char *what)
{
	fprintf(stderr, "gen: %s: %s\n", what, strerror(errno));
	exit(71);
}

static int open_flow(const char *link, const char *group, int port, int size)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct in_addr from = { inet_addr(link) };
	int ttl = 16, room = 8 << 20;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = inet_addr(group);
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof(from)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("socket");
	return fd;
}

/* Sleeps until shortly before `due`, where that is long enough ahead. */
static void doze(uint64_t at, uint64_t due)
{
	struct timespec until = { .tv_sec = (time_t)((due - SPIN_NS) / 1000000000u),
				  .tv_nsec = (long)((due - SPIN_NS) % 1000000000u) };

	if (due > at + 2 * SPIN_NS)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void stamp(struct flow *flow, int size, int burst)
{
	uint64_t at = now(CLOCK_REALTIME);

	for (int i = 0; i < burst; i++) {
		uint64_t head[2] = { flow->number++, at };

		memcpy(payload + (size_t)i * (size_t)size, head, sizeof(head));
	}
}

int main(int argc, char **argv)
{
	uint64_t sent = 0, errors = 0, send_ns = 0, shifted = 0, bursts = 0, random = 0, scheduled = 0;
	int flow_count, size, burst_max, burst;
	int is_gentle = getenv("GEN_GENTLE") != NULL;
	double gap;

	prctl(PR_SET_TIMERSLACK, 1);
	if (argc != 9 && argc != 10) {
		fprintf(stderr, "usage: gen LINK_ADDRESS GROUP PORT FLOWS SIZE RATE BURST MILLISECONDS [SEED]\n");
		return 64;
	}
	flow_count = atoi(argv[4]);
	size = atoi(argv[5]);
	burst = burst_max = atoi(argv[7]);
	if (flow_count < 1 || flow_count > FLOWS_MAX || size < 16 || burst < 1 || burst > BURST_MAX ||
	    size * burst > PAYLOAD_MAX) {
		fprintf(stderr, "gen: flows, size or burst out of range\n");
		return 64;
	}
	for (int i = 0; i < flow_count; i++)
		flows[i].fd = open_flow(argv[1], argv[2], atoi(argv[3]) + i, size);
	gap = atof(argv[6]) > 0 ? 1e9 / atof(argv[6]) : 0;
	if (argc == 10)
		random = strtoull(argv[9], NULL, 10);

	uint64_t start = now(CLOCK_MONOTONIC), end = start + (uint64_t)atoi(argv[8]) * 1000000u, at = start;

	while (at < end) {
		struct flow *flow = &flows[bursts % (uint64_t)flow_count];
		uint64_t due = start + shifted + (random ? scheduled : (uint64_t)(gap * burst * (double)bursts));

		if (is_gentle)
			doze(at, due);
		while (at < due)
			at = now(CLOCK_MONOTONIC);
		if (gap > 0 && at - due > CATCH_UP_NS)
			shifted += at - due;
		stamp(flow, size, burst);
		at = now(CLOCK_MONOTONIC);
		if (send(flow->fd, payload, (size_t)size * (size_t)burst, 0) < 0)
			errors += (uint64_t)burst;
		else
			sent += (uint64_t)burst;
		uint64_t after = now(CLOCK_MONOTONIC);

		send_ns += after - at;
		at = after;
		bursts++;
		if (random) {
			scheduled += random_gap(&random, gap, burst, bursts);
			burst = 1 + (int)(random_next(&random) % (uint64_t)burst_max);
		}
	}
	printf("{\"sent\":%llu,\"errors\":%llu,\"elapsed_ns\":%llu,\"cpu_ns\":%llu,\"send_ns\":%llu,\"shifted_ns\":%llu}\n",
	       (unsigned long long)sent, (unsigned long long)errors, (unsigned long long)(at - start),
	       (unsigned long long)now(CLOCK_PROCESS_CPUTIME_ID), (unsigned long long)send_ns, (unsigned long long)shifted);
	return 0;
}
