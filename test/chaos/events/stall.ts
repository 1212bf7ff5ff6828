// Nobody reads the supervisor's stderr for a while, and there is more to say than a pipe holds.
import type { Happening } from "./event.ts";

/** Each is a line of the log of some 300 bytes: more than the 64 KiB of a pipe. */
const lines = 400;

export const stall: Happening = (world, dice) => {
  const ms = 500 + (dice % 3_000);
  world.reader.signal("SIGSTOP");
  world.begin(async () => {
    for (let line = 0; line < lines; line++) {
      await world.relay.send({ RemoveRuleByName: { name: `nobody-${line}` } }, 20_000);
    }
  });
  world.begin(async () => {
    await world.pause(ms);
    world.reader.signal("SIGCONT");
  });
  return `nobody reads the log for ${ms} ms`;
};
