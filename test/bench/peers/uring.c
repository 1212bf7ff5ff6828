/* The other relay in C: AF_PACKET, io_uring multishot receive into provided buffers, one io_uring send per datagram and
 * output on connected UDP sockets.
 *
 * Kept fair: SINGLE_ISSUER and DEFER_TASKRUN, registered files, a socket filter in the kernel so that only wanted frames
 * come up, sends straight from the receive buffer, one system call per turn that submits all and waits for one.
 *
 * usage: uring FLOWS IN_LINK GROUP:PORT:LINK_ADDRESS OUTPUT_GROUP:PORT:LINK_ADDRESS...
 * Flow i comes to PORT + i and leaves to each output's PORT + i. */
#include <liburing.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>

#include "peer.h"

#define BUFFERS 4096
#define BUFFER_SIZE 2048
#define RING_SIZE 4096
#define RECEIVE UINT64_MAX

static struct io_uring ring;
static struct io_uring_buf_ring *pool;
static char buffers[BUFFERS][BUFFER_SIZE];
static int pending[BUFFERS];
static int first_port, flow_count, output_count;

/* Frames of a SOCK_DGRAM packet socket begin with the IP header; options are not taken. */
static void filter(int fd, struct place place)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(place.group.s_addr), 0, 8),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 4),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 22),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned)place.port, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned)(place.port + flow_count), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		die("filter");
}

static int open_input(const char *link, struct place place)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	int one = 1, room = SOCKET_ROOM;

	at.sll_ifindex = (int)if_nametoindex(link);
	join(socket(AF_INET, SOCK_DGRAM, 0), place);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0)
		die("input");
	filter(fd, place);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("bind");
	return fd;
}

static void open_ring(const int *files, unsigned count)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
		.cq_entries = 4 * RING_SIZE,
	};
	struct io_uring_buf_reg registration = { .ring_entries = BUFFERS };
	int error = io_uring_queue_init_params(RING_SIZE, &ring, &params);

	if (!error)
		error = io_uring_register_files(&ring, files, count);
	if (error)
		die_of("io_uring", -error);
	if (posix_memalign((void **)&pool, 4096, BUFFERS * sizeof(struct io_uring_buf)))
		die_of("buffer ring", ENOMEM);
	registration.ring_addr = (unsigned long)pool;
	error = io_uring_register_buf_ring(&ring, &registration, 0);
	if (error)
		die_of("buffer ring", -error);
	io_uring_buf_ring_init(pool);
	for (int i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(pool, buffers[i], BUFFER_SIZE, (unsigned short)i,
				      io_uring_buf_ring_mask(BUFFERS), i);
	io_uring_buf_ring_advance(pool, BUFFERS);
}

static struct io_uring_sqe *next_sqe(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	if (!sqe)
		die_of("submission queue", ENOBUFS);
	return sqe;
}

static void arm_receive(void)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_recv_multishot(sqe, 0, NULL, 0, 0);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
	sqe->buf_group = 0;
	io_uring_sqe_set_data64(sqe, RECEIVE);
}

static void give_back(int buffer)
{
	io_uring_buf_ring_add(pool, buffers[buffer], BUFFER_SIZE, (unsigned short)buffer,
			      io_uring_buf_ring_mask(BUFFERS), 0);
	io_uring_buf_ring_advance(pool, 1);
}

static void send_all(int buffer, int size)
{
	const unsigned char *frame = (unsigned char *)buffers[buffer];
	int flow = (frame[22] << 8 | frame[23]) - first_port;
	int payload = (frame[24] << 8 | frame[25]) - 8;

	if (payload < 0 || 28 + payload > size) {
		give_back(buffer);
		return;
	}
	pending[buffer] = output_count;
	for (int i = 0; i < output_count; i++) {
		struct io_uring_sqe *sqe = next_sqe();

		io_uring_prep_send(sqe, 1 + flow * output_count + i, frame + 28, (size_t)payload, 0);
		sqe->flags |= IOSQE_FIXED_FILE;
		io_uring_sqe_set_data64(sqe, (unsigned)buffer);
	}
}

static void take(const struct io_uring_cqe *cqe)
{
	if (cqe->user_data != RECEIVE) {
		if (--pending[cqe->user_data] == 0)
			give_back((int)cqe->user_data);
		return;
	}
	if (cqe->res >= 0)
		send_all((int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT), cqe->res);
	else if (cqe->res != -ENOBUFS)
		die_of("receive", -cqe->res);
	if (!(cqe->flags & IORING_CQE_F_MORE))
		arm_receive();
}

int main(int argc, char **argv)
{
	static int files[1 + FLOWS_MAX * OUTPUTS_MAX];
	struct place input;

	flow_count = argc > 4 ? atoi(argv[1]) : 0;
	output_count = argc - 4;
	if (flow_count < 1 || flow_count > FLOWS_MAX || output_count > OUTPUTS_MAX) {
		fprintf(stderr, "usage: uring FLOWS IN_LINK GROUP:PORT:LINK_ADDRESS OUTPUT_GROUP:PORT:LINK_ADDRESS...\n");
		return 64;
	}
	input = parse(argv[3]);
	first_port = input.port;
	files[0] = open_input(argv[2], input);
	for (int flow = 0; flow < flow_count; flow++)
		for (int i = 0; i < output_count; i++)
			files[1 + flow * output_count + i] = open_output(parse(argv[4 + i]), flow);
	open_ring(files, (unsigned)(1 + flow_count * output_count));
	arm_receive();
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		struct io_uring_cqe *cqe;
		unsigned head, count = 0;
		int error = io_uring_submit_and_wait(&ring, 1);

		if (error < 0 && error != -EINTR && error != -EBUSY)
			die_of("submit", -error);
		io_uring_for_each_cqe(&ring, head, cqe) {
			take(cqe);
			count++;
		}
		io_uring_cq_advance(&ring, count);
	}
}
