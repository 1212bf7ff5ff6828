// Datagrams to a unix socket, which Bun cannot send (unix(7)).
import { errno } from "./errno.ts";
import { map } from "./memory.ts";
import { closeSocket, type Failure, isFailure, openUnixDatagram, refusalOf, send } from "./socket.ts";
import { systemCall } from "./system-call.ts";

// sys/un.h: a family in two bytes, and a path with the zero that ends it.
const familyUnix = 1;
const pathAt = 2;
const pathSize = 108;
const addressSize = 112;
const messageSize = 4096;

const address = map(addressSize);
const message = map(messageSize);
const encoder = new TextEncoder();

/**
 * Sends `text` (at most 4 KiB) as one datagram to the socket at `to`: a path, or `@name` for one without a file. Never waits. A
 * socket for each: whoever listens there may have been started anew since the last.
 */
export function sendUnixDatagram(to: string, text: string): Failure | undefined {
  const nameSize = writeAddress(to);
  if (nameSize === undefined) {
    return { step: "connect", errno: errno.ENAMETOOLONG };
  }
  const { read, written } = encoder.encodeInto(text, message.u8);
  if (read < text.length) {
    return { step: "send", errno: errno.EMSGSIZE };
  }
  const fd = openUnixDatagram();
  if (isFailure(fd)) {
    return fd;
  }
  const refused = refusalOf("connect", systemCall("connect", fd, Number(address.pointer), pathAt + nameSize));
  const sent = refused ?? send(fd, message, written);
  closeSocket(fd);
  return isFailure(sent) ? sent : undefined;
}

/** The size of the address's name; undefined when it does not fit. */
function writeAddress(to: string): number | undefined {
  const bytes = encoder.encode(to);
  if (bytes.length >= pathSize) {
    return undefined;
  }
  address.u8.fill(0);
  address.u16[0] = familyUnix;
  address.u8.set(bytes, pathAt);
  if (!to.startsWith("@")) {
    return bytes.length + 1;
  }
  // A name that begins with a zero has no file, and its length says where it ends.
  address.u8[pathAt] = 0;
  return bytes.length;
}
