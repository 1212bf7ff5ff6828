// The executable for arm64 under qemu-user, which has no io_uring, no eBPF, and no options of packet sockets (setsockopt at SOL_PACKET
// says ENOPROTOOPT): no relay captures there: vm-arm64 does that. What needs none of these is tried: commands, the ABI, the shim's own tests,
// generator and receiver by ppoll.
import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { runtimeOf } from "../release/executable.ts";
import { targets } from "../release/targets.ts";
import { buildShim, toolchainFor } from "../release/toolchain.ts";
import { executableFor, may, type Place, proveCommands, proveLibrary, said, type Trial } from "./trial.ts";

const emulator = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"];

export const arm64: Trial = {
  name: "arm64",
  about: "arm64, glibc: commands and ABI, emulated",
  run: (place) => {
    const command = [...emulator, executableFor(place, "linux-arm64")];
    const lines = proveLibrary(command);
    return { ran: `${proveCommands(command, place.scratch)} commands; ${said(lines, "waiting")}` };
  },
};

/** By the beginning of their names: what qemu-user cannot do. */
const beyondEmulation = [
  "a ring by io_uring",
  "a ring by ppoll > is silent about frames that lie in a capture ring",
  "a ring by ppoll > says that a link is gone",
  "a link's driver",
];

export const arm64Shim: Trial = {
  name: "arm64-shim",
  about: "arm64, glibc: the shim's unit tests, emulated",
  run: (place) => {
    const tree = join(place.scratch, "tree");
    makeTree(place, tree);
    const target = targets.find(({ name }) => name === "linux-arm64");
    if (target === undefined) throw new Error("no target linux-arm64");
    buildShim(place.root, target, toolchainFor(target, place.work), join(tree, "build"));
    const bun = runtimeOf(target, place.work);
    // The sanitizers' build is a matter of the machine's own compiler.
    const files = ["abi", "edges", "ethtool", "memory", "program", "ring", "socket", "system-call-numbers"];
    const tests = files.map((name) => `./test/shim/${name}.test.ts`);
    const { output } = may([...emulator, bun, "test", "--timeout=60000", ...tests], { cwd: tree });
    const failed = [...new Set(output.match(/(?<=^\(fail\) ).*?(?= \[[\d.]+ms\]$)/gm) ?? [])];
    const passed = Number(/^ *(\d+) pass$/m.exec(output)?.[1] ?? 0);
    const unexpected = failed.filter((name) => !beyondEmulation.some((each) => name.startsWith(each)));
    if (passed < 40 || unexpected.length > 0)
      throw new Error(`${passed} passed; failed: ${unexpected.join("; ")}\n${output.slice(-2000)}`);
    return {
      ran: `${passed} passed; ${failed.length} need io_uring, packet sockets or ethtool, which qemu-user has not`,
    };
  },
};

function makeTree({ root }: Place, tree: string): void {
  mkdirSync(tree, { recursive: true });
  for (const name of ["src", "test", "appliance", "package.json", "tsconfig.json", "bunfig.toml"]) {
    cpSync(join(root, name), join(tree, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
}
