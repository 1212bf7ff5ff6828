// An operator's end of the control socket: one command, one reply, one deadline. Every failure is a value with a cure.
import { connect } from "node:net";
import { codeOf, done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { limits } from "../limits.ts";
import { type Command, type Reply, replySchema } from "./words.ts";

/** `absent`: nobody listens; `denied`: permission; `timeout`: no whole reply in time; `bad-reply`: not a reply; `os`: the rest. */
export type ClientFailure = {
  kind: "absent" | "denied" | "timeout" | "bad-reply" | "os";
  text: string;
  /** The server may only have been too busy to take the connection. */
  mayPass?: true;
};

/** The checked reply, and the JSON value as it came, with fields that this version does not know. */
export type Answer = { reply: Reply; raw: unknown };

/**
 * Sends `command` to the supervisor at `path` and returns its reply, an `Error` reply included. Gives up after `waitMs`. Ends the
 * command both ways, by newline and by half-close, so that MCR's daemon answers too.
 */
export async function ask(
  path: string,
  command: Command,
  waitMs: number = limits.replyPatienceMs,
): Promise<Outcome<Answer, ClientFailure>> {
  const text = `${JSON.stringify(command)}\n`;
  let received = await exchange(path, text, waitMs);
  // A full backlog (EAGAIN) looks to Bun like a dead server (ECONNREFUSED): only who refuses for a while is dead.
  for (let tries = 1; !received.ok && received.error.mayPass && tries < limits.connectTriesMax; tries++) {
    await Bun.sleep(limits.connectRetryMs);
    received = await exchange(path, text, waitMs);
  }
  return received.ok ? judge(received.value) : received;
}

/** Sends `text`, half-closes, and returns all that came until the other end closed, unread. Gives up after `waitMs`. */
export function exchange(path: string, text: string, waitMs: number): Promise<Outcome<Buffer, ClientFailure>> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect({ path, allowHalfOpen: true });
    const deadline = setTimeout(() => {
      settle(
        failed({ kind: "timeout", text: `no reply from ${path} within ${waitMs / 1000} s; is the supervisor stuck?` }),
      );
    }, waitMs);
    function settle(outcome: Outcome<Buffer, ClientFailure>): void {
      clearTimeout(deadline);
      socket.destroy();
      resolve(outcome);
    }
    socket.on("connect", () => socket.end(text));
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limits.replySizeMax) {
        settle(failed({ kind: "bad-reply", text: `the reply is larger than ${limits.replySizeMax} bytes` }));
      }
    });
    socket.on("end", () => settle(done(Buffer.concat(chunks))));
    socket.on("error", (error) => {
      // A server that refuses before it has read everything resets; what it said comes first and is what matters.
      settle(size > 0 ? done(Buffer.concat(chunks)) : failed(connectFailure(path, error)));
    });
    socket.on("close", () => settle(done(Buffer.concat(chunks))));
  });
}

function connectFailure(path: string, error: Error): ClientFailure {
  switch (codeOf(error)) {
    case "ENOENT":
      return {
        kind: "absent",
        text:
          `no control socket at ${path}: the supervisor is not running. ` +
          "Start it with 'mcr-appliance supervise', or name its socket with --socket-path.",
      };
    case "ECONNREFUSED":
      return {
        kind: "absent",
        mayPass: true,
        text: `nobody listens at ${path}: the supervisor has died. Start it again with 'mcr-appliance supervise'.`,
      };
    case "EACCES":
    case "EPERM":
      return {
        kind: "denied",
        text: `permission denied for ${path}. Run as root, or as a member of the group that owns the socket.`,
      };
    default:
      return { kind: "os", text: `cannot talk to ${path}: ${reasonOf(error)}` };
  }
}

function judge(bytes: Buffer): Outcome<Answer, ClientFailure> {
  if (bytes.length === 0) {
    return failed({
      kind: "bad-reply",
      text: "the supervisor closed the connection without a reply; its log says why",
    });
  }
  let raw: unknown;
  try {
    raw = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    return failed({ kind: "bad-reply", text: `the reply is not JSON: ${reasonOf(error)}` });
  }
  const parsed = replySchema.safeParse(raw);
  if (!parsed.success) {
    return failed({
      kind: "bad-reply",
      text: "the reply is not one that this version knows; do both ends have the same version?",
    });
  }
  return done({ reply: parsed.data, raw });
}
