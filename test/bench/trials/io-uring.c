/* What io_uring's ways cost, one against the other, in turns: flags of a ring, registered files and buffers, and two ways to
 * wake a thread that sleeps in its ring.
 *
 * Sends go in chains of 16, like the product's, as one submission each, by UDP over the loopback to a socket that is full, so that as
 * little as possible of the kernel's output path hides the difference.  A second thread exists, as in every worker: with one, looking up a
 * descriptor costs an atomic operation.
 *
 * usage: io-uring [ROUNDS]        prints medians and quartiles over rounds */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <linux/if_packet.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CHAIN 16
#define CHAINS 2000
#define ROUNDS_MAX 99
#define WAKES 2000
#define USED (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

enum how { PLAIN, FIXED_FILE, FIXED_RING, ZERO_COPY, FIXED_BUFFER };

static const struct way {
	const char *name;
	unsigned flags;
	enum how how;
	size_t size;
} ways[] = {
	{ "64 B, no flags", 0, PLAIN, 64 },
	{ "64 B, COOP_TASKRUN", IORING_SETUP_COOP_TASKRUN, PLAIN, 64 },
	{ "64 B, SINGLE_ISSUER + DEFER_TASKRUN (the product)", USED, PLAIN, 64 },
	{ "64 B, the same + registered files", USED, FIXED_FILE, 64 },
	{ "64 B, the same + registered files and ring", USED, FIXED_RING, 64 },
	{ "1400 B, SINGLE_ISSUER + DEFER_TASKRUN (the product)", USED, PLAIN, 1400 },
	{ "1400 B, zero copy", USED, ZERO_COPY, 1400 },
	{ "1400 B, zero copy from registered buffers", USED, FIXED_BUFFER, 1400 },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static char payload[2048];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "io-uring: %s: %s\n", what, strerror(errno ? errno : -result));
	exit(71);
}

static int open_target(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int sink = socket(AF_INET, SOCK_DGRAM, 0), fd = socket(AF_INET, SOCK_DGRAM, 0), room = 1;

	setsockopt(sink, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	must(bind(sink, (struct sockaddr *)&at, sizeof(at)), "bind");
	must(getsockname(sink, (struct sockaddr *)&at, &size), "name");
	must(connect(fd, (struct sockaddr *)&at, sizeof(at)), "connect");
	return fd;
}

static void prepare(struct io_uring *ring, const struct way *way, int fd, struct msghdr *message, int i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	int target = way->how == FIXED_FILE || way->how == FIXED_RING ? 0 : fd;

	if (way->how == ZERO_COPY)
		io_uring_prep_send_zc(sqe, fd, payload, way->size, MSG_DONTWAIT, 0);
	else if (way->how == FIXED_BUFFER)
		io_uring_prep_send_zc_fixed(sqe, fd, payload, way->size, MSG_DONTWAIT, 0, 0);
	else
		io_uring_prep_sendmsg(sqe, target, message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (target == 0)
		sqe->flags |= IOSQE_FIXED_FILE;
	if (i + 1 < CHAIN)
		sqe->flags |= IOSQE_IO_LINK;
}

/* Nanoseconds a send. */
static double time_sends(const struct way *way)
{
	struct iovec part = { payload, way->size }, whole = { payload, sizeof(payload) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct io_uring ring;
	int fd = open_target();
	unsigned want = way->how == ZERO_COPY || way->how == FIXED_BUFFER ? 2 * CHAIN : CHAIN;
	double start = 0;

	must(io_uring_queue_init(512, &ring, way->flags), "ring");
	must(io_uring_register_files(&ring, &fd, 1), "files");
	if (way->how == FIXED_BUFFER)
		must(io_uring_register_buffers(&ring, &whole, 1), "buffers");
	if (way->how == FIXED_RING)
		must(io_uring_register_ring_fd(&ring), "ring's descriptor");
	for (int chain = 0; chain < CHAINS + 50; chain++) {
		if (chain == 50)
			start = now_ns();
		for (int i = 0; i < CHAIN; i++)
			prepare(&ring, way, fd, &message, i);
		must(io_uring_submit_and_wait(&ring, want), "submit");
		io_uring_cq_advance(&ring, io_uring_cq_ready(&ring));
	}
	start = (now_ns() - start) / CHAINS / CHAIN;
	io_uring_queue_exit(&ring);
	close(fd);
	return start;
}

static struct sleeper {
	struct io_uring ring;
	int bell;
	_Atomic int is_ready, count;
	_Atomic double woken;
	int cpu;
} sleeper;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set), "affinity");
}

static void *sleep_in_ring(void *unused)
{
	struct io_uring_sqe *sqe;
	uint64_t word;

	pin(sleeper.cpu);
	must(io_uring_queue_init(64, &sleeper.ring, USED), "ring");
	sqe = io_uring_get_sqe(&sleeper.ring);
	io_uring_prep_poll_multishot(sqe, sleeper.bell, 1);
	io_uring_submit(&sleeper.ring);
	sleeper.is_ready = 1;
	while (sleeper.count < WAKES) {
		must(io_uring_submit_and_wait(&sleeper.ring, 1), "wait");
		sleeper.woken = now_ns();
		io_uring_cq_advance(&sleeper.ring, io_uring_cq_ready(&sleeper.ring));
		if (read(sleeper.bell, &word, sizeof(word)) < 0)
			word = 0;
		sleeper.count++;
	}
	return unused;
}

static int by_size(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Medians in ns: what waking costs the one who wakes, and how long it takes until the other is up. */
static void time_wakes(int is_message, int cpu, double *cost, double *delay)
{
	static double costs[WAKES], delays[WAKES];
	struct io_uring ring;
	pthread_t thread;

	sleeper.bell = eventfd(0, EFD_NONBLOCK);
	sleeper.count = sleeper.is_ready = 0;
	sleeper.cpu = cpu;
	must(io_uring_queue_init(64, &ring, USED), "ring");
	pthread_create(&thread, NULL, sleep_in_ring, NULL);
	while (!sleeper.is_ready)
		sched_yield();
	for (int i = 0; i < WAKES; i++) {
		double start, done;

		usleep(60);
		start = now_ns();
		if (is_message) {
			io_uring_prep_msg_ring(io_uring_get_sqe(&ring), sleeper.ring.ring_fd, 0, 7, 0);
			io_uring_submit_and_get_events(&ring);
		} else {
			eventfd_write(sleeper.bell, 1);
		}
		done = now_ns();
		while (sleeper.count == i)
			sched_yield();
		costs[i] = done - start;
		delays[i] = sleeper.woken - start;
		io_uring_cq_advance(&ring, io_uring_cq_ready(&ring));
	}
	pthread_join(thread, NULL);
	io_uring_queue_exit(&ring);
	io_uring_queue_exit(&sleeper.ring);
	close(sleeper.bell);
	qsort(costs, WAKES, sizeof(double), by_size);
	qsort(delays, WAKES, sizeof(double), by_size);
	*cost = costs[WAKES / 2];
	*delay = delays[WAKES / 2];
}

static void print(const char *name, double *values, int rounds)
{
	qsort(values, (size_t)rounds, sizeof(double), by_size);
	printf("%-62s %7.0f  (%.0f to %.0f)\n", name, values[rounds / 2], values[rounds / 4], values[3 * rounds / 4]);
}

/* Whether a capture ring can be registered as a buffer at all. */
static void try_ring_as_buffer(void)
{
	struct tpacket_req request = { 4096, 256, 2048, 512 };
	struct io_uring ring;
	int fd = socket(AF_PACKET, SOCK_RAW, 0), version = TPACKET_V2, result;
	struct iovec whole = { .iov_len = 1 << 20 };

	must(fd, "packet socket");
	setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version));
	must(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)), "packet ring");
	whole.iov_base = mmap(NULL, whole.iov_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(io_uring_queue_init(8, &ring, USED), "ring");
	result = io_uring_register_buffers(&ring, &whole, 1);
	printf("a capture ring as registered buffer: %s\n", result < 0 ? strerror(-result) : "taken");
}

static void *idle(void *unused)
{
	pause();
	return unused;
}

int main(int argc, char **argv)
{
	static double sends[WAYS][ROUNDS_MAX], costs[4][ROUNDS_MAX], delays[4][ROUNDS_MAX];
	static const char *const wakes[] = { "eventfd, own core", "MSG_RING, own core", "eventfd, same core",
					     "MSG_RING, same core" };
	int rounds = argc > 1 ? atoi(argv[1]) : 9;
	pthread_t other;

	if (rounds < 1 || rounds > ROUNDS_MAX)
		return 64;
	pthread_create(&other, NULL, idle, NULL);
	pin(1);
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < WAYS; i++)
			sends[i][round] = time_sends(&ways[i]);
		for (int i = 0; i < 4; i++)
			time_wakes(i & 1, i < 2 ? 0 : 1, &costs[i][round], &delays[i][round]);
	}
	printf("ns a send, median (quartiles) of %d rounds\n", rounds);
	for (size_t i = 0; i < WAYS; i++)
		print(ways[i].name, sends[i], rounds);
	printf("a wakeup, ns: what it costs the one who wakes, then until the other is up\n");
	for (int i = 0; i < 4; i++) {
		print(wakes[i], costs[i], rounds);
		print("", delays[i], rounds);
	}
	try_ring_as_buffer();
	return 0;
}
