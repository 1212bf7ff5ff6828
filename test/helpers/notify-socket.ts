// Plays the service manager's end of sd_notify(3): prints all that is sent to a unix datagram socket. socat, because Bun has no
// such sockets.
import { existsSync, readFileSync } from "node:fs";
import { Running } from "./running.ts";
import { until } from "./until.ts";

/** Listens at a path, or at `@name`; `under` is a command that becomes the one behind it, such as `ip netns exec NAME`. */
export async function listenForNotifications(address: string, under: readonly string[] = []): Promise<Running> {
  const isAbstract = address.startsWith("@");
  const from = isAbstract ? `ABSTRACT-RECV:${address.slice(1)}` : `UNIX-RECV:${address}`;
  const running = new Running([...under, "socat", "-u", from, "STDOUT"]);
  await until(
    `somebody listens at ${address}`,
    () => running.isUp && (isAbstract ? unixSockets(running.pid).includes(address) : existsSync(address)),
    Boolean,
  );
  return running;
}

/** What the network namespace of `pid` has of them; nothing when that has ended. */
function unixSockets(pid: number): string {
  const path = `/proc/${pid}/net/unix`;
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
