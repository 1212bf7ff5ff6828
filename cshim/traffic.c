/* What the generator and the receiver need from the kernel in bulk.  What is in a
 * datagram and when it is due is decided in src/traffic. */
#include "abi.h"
#include <errno.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

_Static_assert(sizeof(struct mcr_watch) == sizeof(struct pollfd), "a watch is a pollfd");
_Static_assert(sizeof(struct mcr_message) == sizeof(struct mmsghdr), "a message is an mmsghdr");
_Static_assert(offsetof(struct mcr_message, length) == offsetof(struct mmsghdr, msg_len), "a message is an mmsghdr");
_Static_assert(sizeof(struct mcr_moment) == sizeof(struct timespec), "a moment is a timespec");

/* How many of watches: mcr_watch[count] are ready; 0 after timeout_ms, or -errno. */
i32 mcr_traffic_wait(ptr watches, u32 count, u32 timeout_ms)
{
	int ready = poll(watches, count, (int)timeout_ms);

	return ready < 0 ? -errno : ready;
}

/* How many of messages: mcr_message[count] were filled, or -errno.  Never waits. */
i32 mcr_traffic_receive(i32 fd, ptr messages, u32 count)
{
	int received = recvmmsg(fd, messages, count, MSG_DONTWAIT, NULL);

	return received < 0 ? -errno : received;
}

/* What this socket alone has lost: no room in its buffer, or a bad checksum; -1 when the kernel does not say. */
f64 mcr_traffic_drops(i32 fd)
{
	u32 info[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(info);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0 ? -1 : (f64)info[SK_MEMINFO_DROPS];
}

/* Real time, to the nanosecond; out: mcr_moment. */
i32 mcr_traffic_moment(ptr out)
{
	return clock_gettime(CLOCK_REALTIME, out) < 0 ? -errno : 0;
}
