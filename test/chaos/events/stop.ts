// A worker stands still, for less or for more than the time after which it counts as stuck.
import { fallOn, type Happening, signalIfThere } from "./event.ts";

export const stop: Happening = (world, dice) => {
  const pid = fallOn(world.relay.workerPids(), dice);
  const stoppedMs = 100 + (dice % 4_000);
  if (pid === undefined || !signalIfThere(pid, "SIGSTOP")) return "no worker to stop";
  world.begin(async () => {
    await world.pause(stoppedMs);
    signalIfThere(pid, "SIGCONT");
  });
  return `SIGSTOP to worker ${pid} for ${stoppedMs} ms`;
};
