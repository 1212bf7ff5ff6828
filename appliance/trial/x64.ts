// The executable for this kind of machine, and its twin for old processors.
import { executableFor, proveCommands, proveDemo, proveLibrary, said, type Trial } from "./trial.ts";

export const native: Trial = {
  name: "x64",
  about: "x64, glibc: commands, ABI, demo",
  run: (place) => {
    const binary = executableFor(place, "linux-x64");
    const lines = proveLibrary([binary]);
    const count = proveCommands([binary], place.scratch);
    return { ran: `${count} commands; ${said(lines, "waiting")}; demo: ${proveDemo(place.root, binary)}` };
  },
};

/** The oldest processor that Bun's documentation promises for baseline: no AVX. */
const oldProcessor = "Nehalem";

export const baseline: Trial = {
  name: "x64-baseline",
  about: `x64-baseline, glibc: commands, ABI on a ${oldProcessor}, emulated`,
  run: (place) => {
    const command = ["qemu-x86_64-static", "-cpu", oldProcessor, executableFor(place, "linux-x64-baseline")];
    proveLibrary(command);
    return { ran: `${proveCommands(command, place.scratch)} commands` };
  },
};
