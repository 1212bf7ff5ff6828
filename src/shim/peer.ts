// Who is at the other end of a socket of this machine.
import { scratch } from "./memory.ts";
import { systemCall } from "./system-call.ts";

/** The user id of the process that connected, SO_PEERCRED (unix(7)); undefined when the kernel does not say. */
export function peerUid(fd: number): number | undefined {
  const [socketLevel, peerCredentials, credentialsSize] = [1, 17, 12];
  // struct ucred: pid, uid, gid; its size behind it.
  scratch.i32[3] = credentialsSize;
  const sizeAt = Number(scratch.pointer) + credentialsSize;
  const result = systemCall("getsockopt", fd, socketLevel, peerCredentials, Number(scratch.pointer), sizeAt);
  return result < 0 ? undefined : (scratch.i32[1] as number) >>> 0;
}
