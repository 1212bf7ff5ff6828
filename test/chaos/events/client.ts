// Clients of the control socket that are slow, silent or noisy. Meanwhile an operator's Ping is answered.
import { createConnection } from "node:net";
import type { World } from "../world.ts";
import { fallOn, type Happening } from "./event.ts";

const manners: readonly { what: string; count: number; text: string }[] = [
  { what: "half a command", count: 1, text: '{"AddRule":{"name":' },
  { what: "silence", count: 50, text: "" },
  { what: "noise", count: 5, text: "\u0000\u0001\u0002}}]]" },
  { what: "2 MiB without an end", count: 2, text: `"${"x".repeat(2 * 1024 * 1024)}` },
];

/** Connects, writes, and hangs until `world` is calm or `ms` are over. That the other end hangs up first is its right. */
async function hang(world: World, text: string, ms: number): Promise<void> {
  const socket = createConnection({ path: world.relay.socketPath });
  const gone = Promise.withResolvers<void>();
  socket.on("error", () => gone.resolve());
  socket.on("close", () => gone.resolve());
  socket.on("connect", () => socket.write(text));
  await Promise.race([world.pause(ms), gone.promise]);
  socket.destroy();
}

export const client: Happening = (world, dice) => {
  const { what, count, text } = fallOn(manners, dice) ?? { what: "nothing", count: 0, text: "" };
  const ms = 200 + (dice % 3_000);
  for (let each = 0; each < count; each++) world.begin(() => hang(world, text, ms));
  // Any answer will do: between two deaths no worker may be ready.
  world.begin(() => world.relay.send("Ping"));
  return `${count} with ${what} for ${ms} ms`;
};
