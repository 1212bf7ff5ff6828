/* Memory that C and TypeScript share.  JavaScript never lends C its own. */
#include "abi.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Zeroed, shared, given back with mcr_unmap(); NULL when there is none. */
ptr mcr_map(u32 size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* The memory behind a descriptor: a memfd's counters, a capture socket's ring. */
ptr mcr_map_fd(i32 fd, u32 size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

i32 mcr_unmap(ptr at, u32 size)
{
	return munmap(at, size) < 0 ? -errno : 0;
}

i32 mcr_memfd(cstring name, u32 size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

/* RFC 1071's 16-bit sum in host order, not inverted: 0xffff over a header with a right checksum. */
u32 mcr_ones_sum(ptr at, u32 size)
{
	const u8 *bytes = at;
	uint64_t sum = 0;
	u32 word;

	for (; size >= 4; bytes += 4, size -= 4) {
		memcpy(&word, bytes, 4);
		sum += word;
	}
	if (size) {
		word = 0;
		memcpy(&word, bytes, size);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u32)sum;
}
