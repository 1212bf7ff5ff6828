// The name of the control socket in the file system: claimed by one live server, taken over from a dead one, and never
// taken from somebody else.
import { chmodSync, chownSync, linkSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { codeOf, done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { limits } from "../limits.ts";
import { errnoName } from "../shim/errno.ts";
import { shim } from "../shim/library.ts";
import { map } from "../shim/memory.ts";
import { systemCall } from "../shim/system-call.ts";
import type { AccessPolicy } from "./peers.ts";

/** Why there is no server. `in-use`: another one lives there; `denied`: permission; `os`: anything else. */
export type ServerFailure = { kind: "in-use" | "denied" | "os"; text: string };

/** Owner and group may connect, nobody else. */
const socketUmask = 0o117;

const [unixDomain, streamType] = [1, 1];
/** Connections that the kernel keeps in line before they are accepted: as Bun has it. */
const backlog = 512;

/** How long a probe waits for an answer from whoever owns the path. */
const probeWaitMs = 1_000;

function failure(error: unknown, what: string): { ok: false; error: ServerFailure } {
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM") {
    const text = `${what}: permission denied. Run as root, or choose another path with --control-socket-path.`;
    return failed({ kind: "denied", text });
  }
  if (code === "EADDRINUSE" || code === "EEXIST") {
    return failed({ kind: "in-use", text: `${what}: another server has just claimed it.` });
  }
  const hint = code === "EROFS" ? " The file system is read-only; choose another path with --control-socket-path." : "";
  return failed({ kind: "os", text: `${what}: ${reasonOf(error)}.${hint}` });
}

/** Whether somebody accepts connections at `path`. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    const deadline = setTimeout(() => finish(true), probeWaitMs);
    function finish(answer: boolean): void {
      clearTimeout(deadline);
      socket.destroy();
      resolve(answer);
    }
    socket.once("connect", () => finish(true));
    socket.on("error", (error) => {
      const code = codeOf(error);
      if (code === "ECONNREFUSED" || code === "ENOENT") {
        finish(false);
      } else if (code === "EAGAIN") {
        finish(true); // Its backlog is full: alive, and busy.
      } else {
        clearTimeout(deadline);
        reject(error);
      }
    });
  });
}

function inUse(path: string): { ok: false; error: ServerFailure } {
  const text =
    `control socket ${path} is in use: another supervisor runs. ` +
    "Stop it first, or choose another path with --control-socket-path.";
  return failed({ kind: "in-use", text });
}

/** Makes room for a socket at `path`: its directory exists, and no stale file is in the way. */
export async function clearPath(path: string): Promise<Outcome<void, ServerFailure>> {
  if (Buffer.byteLength(path) > limits.socketPathSizeMax) {
    const text = `control socket path is longer than ${limits.socketPathSizeMax} bytes, the most Linux allows: ${path}`;
    return failed({ kind: "os", text });
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const about = statSync(path, { throwIfNoEntry: false });
    if (about === undefined) {
      return done(undefined);
    }
    if (!about.isSocket()) {
      const text = `${path} exists and is not a socket. Remove it, or choose another path with --control-socket-path.`;
      return failed({ kind: "os", text });
    }
    if (await isServed(path)) {
      return inUse(path);
    }
    // Between the probe and the removal another supervisor may have started here. So: take the file aside, and look again.
    const aside = `${path}.${process.pid}`;
    renameSync(path, aside);
    if (await isServed(aside)) {
      linkSync(aside, path);
      rmSync(aside);
      return inUse(path);
    }
    rmSync(aside);
    return done(undefined);
  } catch (error) {
    return failure(error, `cannot prepare control socket ${path}`);
  }
}

/**
 * A socket that listens at `path`, mode 0660 from its first instant. Two cannot both succeed: bind(2) is exclusive. It is ours and not
 * Bun's, which would remove the file when it stops to listen: a supervisor that hands the socket on keeps the file.
 */
export function bindPath(path: string): Outcome<number, ServerFailure> {
  const fd = shim.mcr_socket(unixDomain, streamType, 0);
  // struct sockaddr_un, unix(7).
  const address = map(112);
  address.u16[0] = unixDomain;
  const { written } = new TextEncoder().encodeInto(path, address.u8.subarray(2, 2 + limits.socketPathSizeMax));
  // bind(2) makes the file, and nothing else is made under this mask.
  const before = process.umask(socketUmask);
  const refused = fd < 0 ? fd : systemCall("bind", fd, address.pointer, 2 + written + 1);
  process.umask(before);
  address.close();
  const result = refused < 0 ? refused : systemCall("listen", fd, backlog);
  if (result < 0) {
    shim.mcr_close(fd);
    const error = Object.assign(new Error(errnoName(result)), { code: errnoName(result) });
    return failure(error, `cannot bind control socket ${path}`);
  }
  return done(fd);
}

/** Lets `server` accept from a socket that listens. */
export function acceptFrom(server: Server, fd: number): Promise<Outcome<void, ServerFailure>> {
  return new Promise((resolve) => {
    const onError = (error: Error) => resolve(failure(error, "cannot listen for clients"));
    server.once("error", onError);
    server.listen({ fd }, () => {
      server.off("error", onError);
      resolve(done(undefined));
    });
  });
}

/**
 * Opens the socket at `path` to a group: to connect, for members of `changeGroup`, or for everybody when there is also a group of
 * readers, since a file has one group; who may what is then decided by credentials alone. What the kernel refuses, in words.
 */
export function shareSocket(path: string, { changeGroup, readGroup }: AccessPolicy): string | undefined {
  try {
    if (changeGroup !== undefined) {
      chownSync(path, process.geteuid?.() ?? 0, changeGroup);
    }
    if (readGroup !== undefined) {
      chmodSync(path, 0o666);
    }
    return undefined;
  } catch (thrown) {
    return `the control socket's group cannot be set to ${changeGroup} (${reasonOf(thrown)}); its members cannot connect`;
  }
}

/** Which file is at `path`; changes when somebody replaces it. */
export function fileIdentity(path: string): string | undefined {
  const about = statSync(path, { throwIfNoEntry: false, bigint: true });
  return about === undefined ? undefined : `${about.dev}:${about.ino}`;
}

/** Removes the socket's file, but no other that somebody put in its place. */
export function releasePath(path: string, ours: string | undefined): void {
  if (ours !== undefined && fileIdentity(path) === ours) {
    rmSync(path);
  }
}
