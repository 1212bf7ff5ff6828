/* The contract between C and TypeScript, written once.
 *
 * Every struct both sides touch and every function TypeScript calls is listed
 * here; mcr_abi() prints the list as text, src/shim/abi.ts prints its own, and
 * loading refuses on the first line that differs.
 *
 * Rules of the house: no forwarding logic, no callback into JavaScript, no
 * pointer into JavaScript's heap kept after return.  What fails returns
 * -errno.  Addresses travel as doubles (user space has 47 bits, a double 53).
 */
#ifndef MCR_ABI_H
#define MCR_ABI_H
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef double f64;
typedef void *ptr;
typedef const char *cstring;

/* Where one thread's ring keeps what TypeScript reads and writes. */
#define MCR_RING_PLACES(F)                                                    \
	F(f64, done)    /* address of mcr_done[done_max] */                   \
	F(f64, sends)   /* address of mcr_send[sends_max] */                  \
	F(f64, pieces)  /* address of mcr_piece[sends_max * pieces_max] */    \
	F(u32, done_max)                                                      \
	F(u32, sends_max)                                                     \
	F(u32, pieces_max) /* pieces one send may gather */                   \
	F(u32, features)   /* MCR_RING_* bits, found by trying */             \
	F(i32, fd)

/* One finished entry of a ring. */
#define MCR_DONE(F)                                                           \
	F(u32, token)   /* as given when it was queued */                     \
	F(i32, result)  /* bytes, poll mask, or -errno */                     \
	F(u32, more)    /* 1: a multishot poll that stays armed */

/* One sendmsg to be: TypeScript fills it, mcr_ring_send() queues it. */
#define MCR_SEND(F)                                                           \
	F(i32, fd)                                                            \
	F(u32, address) F(u32, port) /* network order; 0: to where the socket is connected */ \
	F(u32, piece_first) F(u32, piece_count) /* among the pieces */        \
	F(u32, segment_size)  /* UDP_SEGMENT; 0: one datagram */

/* One stretch of payload; the same bytes as struct iovec. */
#define MCR_PIECE(F)                                                          \
	F(u32, address_low)                                                   \
	F(u32, address_high)                                                  \
	F(u32, size)                                                          \
	F(u32, size_high)     /* always 0 */

/* What PACKET_STATISTICS says since it was last asked. */
#define MCR_CAPTURE_COUNTS(F)                                                 \
	F(u32, frames)                                                        \
	F(u32, drops)         /* frames that found no free slot */

/* The same bytes as struct mmsghdr; TypeScript fills it once and reads `length`. */
#define MCR_MESSAGE(F)                                                        \
	F(u32, name_low) F(u32, name_high) F(u32, name_size) F(u32, gap)      \
	F(u32, pieces_low) F(u32, pieces_high) F(u32, piece_count) F(u32, piece_count_high) \
	F(u32, control_low) F(u32, control_high) F(u32, control_size) F(u32, control_size_high) \
	F(u32, flags) F(u32, flags_gap) F(u32, length) F(u32, length_gap)

/* The same bytes as struct pollfd. */
#define MCR_WATCH(F)                                                          \
	F(i32, fd) F(u16, events) F(u16, ready)

/* The same bytes as struct timespec, until 2106. */
#define MCR_MOMENT(F)                                                         \
	F(u32, seconds) F(u32, seconds_high) F(u32, nanoseconds) F(u32, nanoseconds_high)

#define MCR_STRUCTS(S)                                                        \
	S(mcr_ring_places, MCR_RING_PLACES)                                   \
	S(mcr_done, MCR_DONE)                                                 \
	S(mcr_send, MCR_SEND)                                                 \
	S(mcr_piece, MCR_PIECE)                                               \
	S(mcr_capture_counts, MCR_CAPTURE_COUNTS)                             \
	S(mcr_message, MCR_MESSAGE)                                           \
	S(mcr_watch, MCR_WATCH)                                               \
	S(mcr_moment, MCR_MOMENT)

#define MCR_EXPORTS(X)                                                        \
	X(cstring, mcr_abi, void)                                             \
	/* memory.c */                                                        \
	X(ptr, mcr_map, u32)                                                  \
	X(ptr, mcr_map_fd, i32, u32)                                          \
	X(i32, mcr_unmap, ptr, u32)                                           \
	X(i32, mcr_memfd, cstring, u32)                                       \
	X(u32, mcr_ones_sum, ptr, u32)                                        \
	/* ring.c */                                                          \
	X(ptr, mcr_ring_open, ptr, u32, u32, u32)                             \
	X(i32, mcr_ring_close, ptr)                                           \
	X(i32, mcr_ring_poll, ptr, i32, u32, u32)                             \
	X(i32, mcr_ring_cancel, ptr, u32)                                     \
	X(i32, mcr_ring_send, ptr, u32, u32, u32)                             \
	X(i32, mcr_ring_wait, ptr, u32, u32)                                  \
	/* capture.c */                                                       \
	X(i32, mcr_capture_ring, i32, u32, u32, u32)                          \
	X(i32, mcr_capture_bind, i32, u32, u32)                               \
	X(i32, mcr_capture_filter, i32, ptr, u32)                             \
	X(i32, mcr_capture_counts, i32, ptr)                                  \
	/* socket.c */                                                        \
	X(i32, mcr_socket, i32, i32, i32)                                     \
	X(i32, mcr_close, i32)                                                \
	X(i32, mcr_pair, ptr, i32)                                            \
	X(i32, mcr_pipe, ptr)                                                 \
	X(i32, mcr_eventfd, void)                                             \
	X(i32, mcr_eventfd_write, i32)                                        \
	X(i32, mcr_option, i32, i32, i32, i32)                                \
	X(i32, mcr_option_get, i32, i32, i32)                                 \
	X(i32, mcr_bind_link, i32, cstring)                                   \
	X(i32, mcr_bind, i32, u32, u32)                                       \
	X(i32, mcr_connect, i32, u32, u32)                                    \
	X(i32, mcr_output_link, i32, u32)                                     \
	X(i32, mcr_membership, i32, u32, u32, u32, u32)                       \
	X(i32, mcr_read, i32, ptr, u32)                                       \
	X(i32, mcr_write, i32, ptr, u32)                                      \
	X(i32, mcr_send_many, i32, ptr, u32)                                  \
	X(i32, mcr_fds_send, i32, ptr, u32, ptr, u32)                         \
	X(i32, mcr_fds_receive, i32, ptr, u32, ptr, u32)                      \
	X(i32, mcr_netlink, u32)                                              \
	/* process.c */                                                       \
	X(i32, mcr_pin, i32, u32)                                             \
	X(i32, mcr_prefer, i32, u32)                                          \
	X(i32, mcr_drop, u32, u32)                                            \
	X(i32, mcr_signals_ignore, void)                                      \
	X(i32, mcr_refused_note, ptr)                                         \
	X(i32, mcr_exit, i32)                                                 \
	X(f64, mcr_clock_ns, i32)                                             \
	X(i32, mcr_sleep_until, f64)                                          \
	X(f64, mcr_call, i32, f64, f64, f64, f64, f64)                        \
	/* traffic.c: the generator and the receiver */                       \
	X(i32, mcr_traffic_wait, ptr, u32, u32)                               \
	X(i32, mcr_traffic_receive, i32, ptr, u32)                            \
	X(f64, mcr_traffic_drops, i32)                                        \
	X(i32, mcr_traffic_moment, ptr)

/* mcr_ring_places.features */
#define MCR_RING_DEFER 1u     /* SINGLE_ISSUER | DEFER_TASKRUN */
#define MCR_RING_GATHER 2u    /* a wait may gather: IORING_FEAT_MIN_TIMEOUT, Linux 6.12 */

#define MCR_FIELD(type, name) type name;
#define MCR_STRUCT(name, FIELDS) struct name { FIELDS(MCR_FIELD) };
MCR_STRUCTS(MCR_STRUCT)
#undef MCR_STRUCT
#undef MCR_FIELD

#define MCR_EXPORT(returns, name, ...) \
	__attribute__((visibility("default"))) returns name(__VA_ARGS__);
MCR_EXPORTS(MCR_EXPORT)
#undef MCR_EXPORT
#endif
