// Error numbers of Linux by name. The shim returns -errno; what a person reads is this.
import { constants } from "node:os";

// Some have two names; the first one is what errno(3) and strace say (EAGAIN, not EWOULDBLOCK).
const names = new Map(
  Object.entries(constants.errno)
    .toReversed()
    .map(([name, code]) => [code as number, name]),
);

/** EPERM for 1 or -1; "errno 4711" for what Linux does not know. */
export function errnoName(code: number): string {
  return names.get(Math.abs(code)) ?? `errno ${Math.abs(code)}`;
}

/** The numbers the program decides by; all from errno(3). */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  EPIPE: 32,
  ENAMETOOLONG: 36,
  EMSGSIZE: 90,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  ETIME: 62,
  ENOSYS: 38,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  ECANCELED: 125,
} as const;
