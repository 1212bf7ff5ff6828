/* One io_uring a thread: its only blocking point.
 *
 * Head, tail and barriers stay here (liburing); TypeScript sees three plain
 * arrays: sends it fills, pieces it fills, completions it reads.
 */
#include "abi.h"
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define FEATURE_MIN_TIMEOUT (1u << 15) /* IORING_FEAT_MIN_TIMEOUT, Linux 6.12 */

/* What the kernel reads while a send is in flight. */
struct message {
	struct msghdr header;
	struct sockaddr_in to;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(u16))];
};

struct ring {
	struct io_uring uring;
	struct mcr_ring_places places;
	struct mcr_done *done;
	struct mcr_send *sends;
	struct mcr_piece *pieces;
	struct message *messages;
	size_t size; /* of the one mapping the four arrays share */
};

static int uring_open(struct ring *ring, u32 entries)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
			 IORING_SETUP_R_DISABLED,
		.cq_entries = ring->places.done_max,
	};
	int error = io_uring_queue_init_params(entries, &ring->uring, &params);

	if (error == 0) {
		ring->places.features |= MCR_RING_DEFER;
		if (params.features & FEATURE_MIN_TIMEOUT)
			ring->places.features |= MCR_RING_GATHER;
		return 0;
	}
	if (error != -EINVAL)
		return error;
	/* Before 6.1: the same ring without the two that save wakeups. */
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED;
	params.cq_entries = ring->places.done_max;
	return io_uring_queue_init_params(entries, &ring->uring, &params);
}

static size_t line_up(size_t size)
{
	return (size + 63) & ~(size_t)63;
}

static int arrays_map(struct ring *ring)
{
	const struct mcr_ring_places *places = &ring->places;
	size_t pieces = (size_t)places->sends_max * places->pieces_max;
	size_t done_size = line_up(places->done_max * sizeof(*ring->done));
	size_t sends_size = line_up(places->sends_max * sizeof(*ring->sends));
	size_t messages_size = line_up(places->sends_max * sizeof(*ring->messages));
	char *at;

	ring->size = done_size + sends_size + messages_size + pieces * sizeof(*ring->pieces);
	at = mmap(NULL, ring->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	ring->done = (void *)at;
	ring->sends = (void *)(at + done_size);
	ring->messages = (void *)(at + done_size + sends_size);
	ring->pieces = (void *)(at + done_size + sends_size + messages_size);
	return 0;
}

/* Opens a ring for the calling thread, its only user; it takes nothing yet (R_DISABLED, src/shim/ring.ts).  Fills `out` (struct mcr_ring_places);
 * on failure returns NULL, and out->features holds the errno. */
ptr mcr_ring_open(ptr out, u32 entries, u32 sends_max, u32 pieces_max)
{
	struct mcr_ring_places *places = out;
	struct ring *ring = calloc(1, sizeof(*ring));
	int error = -ENOMEM;

	if (!ring)
		goto refused;
	error = -EINVAL;
	/* The kernel's bound on entries; and so that no product below is beyond 32 bits. */
	if (entries > 32768 || sends_max - 1 >= 32768 || pieces_max - 1 >= 1024)
		goto refused;
	ring->places.done_max = entries * 2;
	ring->places.sends_max = sends_max;
	ring->places.pieces_max = pieces_max;
	error = arrays_map(ring);
	if (error)
		goto refused;
	error = uring_open(ring, entries);
	if (error) {
		munmap(ring->done, ring->size);
		goto refused;
	}
	ring->places.done = (f64)(uintptr_t)ring->done;
	ring->places.sends = (f64)(uintptr_t)ring->sends;
	ring->places.pieces = (f64)(uintptr_t)ring->pieces;
	ring->places.fd = ring->uring.ring_fd;
	*places = ring->places;
	return ring;
refused:
	free(ring);
	memset(places, 0, sizeof(*places));
	places->features = (u32)-error;
	return NULL;
}

i32 mcr_ring_close(ptr at)
{
	struct ring *ring = at;

	io_uring_queue_exit(&ring->uring);
	munmap(ring->done, ring->size);
	free(ring);
	return 0;
}

static struct io_uring_sqe *entry_take(struct ring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	if (sqe)
		return sqe;
	/* The submission queue is full: hand it over without waiting. */
	io_uring_submit(&ring->uring);
	return io_uring_get_sqe(&ring->uring);
}

/* Watches fd for `events` (poll bits) until it is cancelled: one completion an
 * edge, never one for a level that stays.  Where the kernel has no multishot
 * poll (before 5.13) the completion comes with more = 0: ask again. */
i32 mcr_ring_poll(ptr at, i32 fd, u32 events, u32 token)
{
	struct ring *ring = at;
	struct io_uring_sqe *sqe = entry_take(ring);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_poll_multishot(sqe, fd, events);
	io_uring_sqe_set_data64(sqe, token);
	return 0;
}

/* Ends what was queued under `token`, whose completion says -ECANCELED. The
 * cancellation completes too, under a token that nobody has: 0 is a send's. */
i32 mcr_ring_cancel(ptr at, u32 token)
{
	struct ring *ring = at;
	struct io_uring_sqe *sqe = entry_take(ring);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_cancel64(sqe, token, 0);
	io_uring_sqe_set_data64(sqe, UINT32_MAX);
	return 0;
}

/* Queues sends[index].  `chained`: the send queued next starts after this one
 * and not at all (-ECANCELED) if this one fails, so that order holds. */
i32 mcr_ring_send(ptr at, u32 index, u32 token, u32 chained)
{
	struct ring *ring = at;
	const struct mcr_send *send = &ring->sends[index];
	struct message *message = &ring->messages[index];
	struct io_uring_sqe *sqe;

	if (index >= ring->places.sends_max || send->piece_count > 1024 || send->segment_size > UINT16_MAX ||
	    (u64)send->piece_first + send->piece_count > ring->places.sends_max * ring->places.pieces_max)
		return -EINVAL;
	sqe = entry_take(ring);
	if (!sqe)
		return -EBUSY;
	message->to = (struct sockaddr_in){ AF_INET, (u16)send->port, { send->address }, { 0 } };
	message->header = (struct msghdr){
		.msg_name = send->address ? &message->to : NULL, .msg_namelen = sizeof(message->to),
		.msg_iov = (struct iovec *)(void *)&ring->pieces[send->piece_first],
		.msg_iovlen = (__typeof__(message->header.msg_iovlen))send->piece_count, /* size_t in glibc, int in musl */
	};
	if (send->segment_size) {
		u16 segment_size = (u16)send->segment_size;
		struct cmsghdr *control = (struct cmsghdr *)message->control;

		message->header.msg_control = control;
		message->header.msg_controllen = sizeof(message->control);
		control->cmsg_level = SOL_UDP;
		control->cmsg_type = UDP_SEGMENT;
		control->cmsg_len = CMSG_LEN(sizeof(segment_size));
		memcpy(CMSG_DATA(control), &segment_size, sizeof(segment_size));
	}
	/* MSG_DONTWAIT: a full socket is said at once; what to do is decided above. */
	io_uring_prep_sendmsg(sqe, send->fd, &message->header, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (chained)
		io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	io_uring_sqe_set_data64(sqe, token);
	return 0;
}

/* io_uring_enter's argument as of 6.12: min_wait_usec took the place of the padding. */
struct wait_argument {
	u64 sigmask;
	u32 sigmask_size;
	u32 min_wait_us;
	u64 limit;
};

_Static_assert(sizeof(struct wait_argument) == sizeof(struct io_uring_getevents_arg), "io_uring_getevents_arg");

/* Sleeps at least gather_us for `done_max` completions, then on for the first one: while entries come
 * quickly they are collected, and one that comes late wakes at once. */
static int wait_gathering(struct ring *ring, u32 gather_us, struct __kernel_timespec *limit)
{
	struct wait_argument argument = { .min_wait_us = gather_us, .limit = (u64)(uintptr_t)limit };

	if (io_uring_sq_ready(&ring->uring))
		io_uring_submit(&ring->uring);
	return io_uring_enter2((unsigned)ring->uring.ring_fd, 0, ring->places.done_max,
			       IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (sigset_t *)(void *)&argument,
			       sizeof(argument));
}

static int wait_one(struct ring *ring, u32 gather_us, u32 timeout_us)
{
	struct __kernel_timespec limit = {
		.tv_sec = timeout_us / 1000000,
		.tv_nsec = (long long)(timeout_us % 1000000) * 1000,
	};
	struct io_uring_cqe *cqe;

	if (gather_us && ring->places.features & MCR_RING_GATHER)
		return wait_gathering(ring, gather_us, &limit);
	return io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1, &limit, NULL);
}

/* Hands over what was queued; with timeout_us, waits that long at most, at least gather_us if completions keep
 * coming.  Copies them to the done array and returns how many; -EINTR comes back, so that the caller lives. */
i32 mcr_ring_wait(ptr at, u32 gather_us, u32 timeout_us)
{
	struct ring *ring = at;
	struct io_uring_cqe *cqe;
	u32 head, count = 0;
	int error;

	if (timeout_us && !io_uring_cq_ready(&ring->uring))
		error = wait_one(ring, gather_us, timeout_us);
	else
		error = io_uring_submit_and_get_events(&ring->uring);
	if (error < 0 && error != -ETIME && error != -EAGAIN && error != -EBUSY)
		return error;
	io_uring_for_each_cqe(&ring->uring, head, cqe) {
		struct mcr_done *done;

		if (count == ring->places.done_max)
			break;
		done = &ring->done[count++];
		done->token = (u32)cqe->user_data;
		done->result = cqe->res;
		done->more = cqe->flags & IORING_CQE_F_MORE ? 1 : 0;
	}
	io_uring_cq_advance(&ring->uring, count);
	return (i32)count;
}
