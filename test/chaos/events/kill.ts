// A worker dies, by one of the signals that a crash is made of.
import { fallOn, type Happening, signalIfThere } from "./event.ts";

const deaths: readonly NodeJS.Signals[] = ["SIGKILL", "SIGKILL", "SIGSEGV", "SIGABRT"];

export const kill: Happening = ({ relay }, dice) => {
  const pid = fallOn(relay.workerPids(), dice);
  const signal = fallOn(deaths, dice >> 4) ?? "SIGKILL";
  return pid !== undefined && signalIfThere(pid, signal) ? `${signal} to worker ${pid}` : "no worker to kill";
};
