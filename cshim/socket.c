/* The few socket calls that Bun cannot make.  IPv4 addresses are numbers in host order. */
#include "abi.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MAX 64u

i32 mcr_socket(i32 domain, i32 type, i32 protocol)
{
	int fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	return fd < 0 ? -errno : fd;
}

i32 mcr_close(i32 fd)
{
	return close(fd) < 0 ? -errno : 0;
}

/* Two connected AF_UNIX sockets of `type`, blocking; out: i32[2]. */
i32 mcr_pair(ptr out, i32 type)
{
	return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, out) < 0 ? -errno : 0;
}

/* out: i32[2], the reading end first. */
i32 mcr_pipe(ptr out)
{
	return pipe2(out, O_CLOEXEC) < 0 ? -errno : 0;
}

i32 mcr_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

i32 mcr_eventfd_write(i32 fd)
{
	return eventfd_write(fd, 1) < 0 ? -errno : 0;
}

i32 mcr_option(i32 fd, i32 level, i32 name, i32 value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* The value; options whose values may be negative are not asked for here. */
i32 mcr_option_get(i32 fd, i32 level, i32 name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, name, &value, &size) < 0 ? -errno : value;
}

i32 mcr_bind_link(i32 fd, cstring name)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1) < 0 ? -errno : 0;
}

static struct sockaddr_in address_of(u32 address, u32 port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((u16)port),
		.sin_addr.s_addr = htonl(address),
	};
}

i32 mcr_bind(i32 fd, u32 address, u32 port)
{
	struct sockaddr_in to = address_of(address, port);

	return bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

i32 mcr_connect(i32 fd, u32 address, u32 port)
{
	struct sockaddr_in to = address_of(address, port);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

/* The link multicast leaves by. */
i32 mcr_output_link(i32 fd, u32 link_index)
{
	struct ip_mreqn request = { .imr_ifindex = (int)link_index };

	return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request)) < 0 ? -errno : 0;
}

/* Joins (join = 1) or leaves a group on a link, from every source (source = 0) or from one. */
i32 mcr_membership(i32 fd, u32 join, u32 link_index, u32 group, u32 source)
{
	struct sockaddr_in group_address = address_of(group, 0);
	struct sockaddr_in source_address = address_of(source, 0);
	struct group_req any = { .gr_interface = link_index };
	struct group_source_req one = { .gsr_interface = link_index };
	int result;

	if (!source) {
		memcpy(&any.gr_group, &group_address, sizeof(group_address));
		result = setsockopt(fd, IPPROTO_IP, join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &any, sizeof(any));
	} else {
		memcpy(&one.gsr_group, &group_address, sizeof(group_address));
		memcpy(&one.gsr_source, &source_address, sizeof(source_address));
		result = setsockopt(fd, IPPROTO_IP, join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP,
				    &one, sizeof(one));
	}
	return result < 0 ? -errno : 0;
}

/* Never waits, whatever the descriptor's own mode; 0 is the end of file. */
i32 mcr_read(i32 fd, ptr data, u32 size)
{
	ssize_t count = recv(fd, data, size, MSG_DONTWAIT);

	if (count < 0 && errno == ENOTSOCK)
		count = read(fd, data, size);
	return count < 0 ? -errno : (i32)count;
}

i32 mcr_write(i32 fd, ptr data, u32 size)
{
	ssize_t count = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (count < 0 && errno == ENOTSOCK)
		count = write(fd, data, size);
	return count < 0 ? -errno : (i32)count;
}

/* How many of messages: mcr_message[count] the kernel took, or -errno.  Never waits. */
i32 mcr_send_many(i32 fd, ptr messages, u32 count)
{
	int sent = sendmmsg(fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent < 0 ? -errno : sent;
}

/* Sends data with descriptors beside its first byte (SCM_RIGHTS); fds: i32[count].  Never waits. */
i32 mcr_fds_send(i32 fd, ptr data, u32 size, ptr fds, u32 count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(i32))];
	struct iovec piece = { .iov_base = data, .iov_len = size };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	ssize_t sent;

	if (count > FDS_MAX)
		return -EINVAL;
	if (count) {
		struct cmsghdr *header = (struct cmsghdr *)control;

		memset(control, 0, sizeof(control));
		message.msg_control = control;
		/* Sizes are size_t in glibc, socklen_t in musl; these are below both. */
		message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(i32));
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(i32));
		memcpy(CMSG_DATA(header), fds, count * sizeof(i32));
	}
	sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent < 0 ? -errno : (i32)sent;
}

/* Reads at most `size` bytes and the descriptors beside them; out: i32[1 + fds_max], the count first.
 * Never waits; descriptors too many, or a message cut short (MSG_CTRUNC), are closed and -EMSGSIZE. */
i32 mcr_fds_receive(i32 fd, ptr data, u32 size, ptr out, u32 fds_max)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(i32))];
	struct iovec piece = { .iov_base = data, .iov_len = size };
	struct msghdr message = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	i32 *fds = out, came[FDS_MAX];
	struct cmsghdr *header;
	ssize_t received;
	u32 count = 0;

	fds[0] = 0;
	received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (received < 0)
		return -errno;
	/* The kernel puts all descriptors of a read into one header (net/core/scm.c). */
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		count = (u32)((header->cmsg_len - CMSG_LEN(0)) / sizeof(i32));
		memcpy(came, CMSG_DATA(header), count * sizeof(i32));
	}
	if (count > fds_max || message.msg_flags & MSG_CTRUNC) {
		while (count)
			close(came[--count]);
		return -EMSGSIZE;
	}
	memcpy(&fds[1], came, count * sizeof(i32));
	fds[0] = (i32)count;
	return (i32)received;
}

/* A routing socket that hears of the given groups (RTMGRP_* bits). */
i32 mcr_netlink(u32 groups)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = mcr_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	int error;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}
