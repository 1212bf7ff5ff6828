// Loads the C shim, once a thread, and refuses one that is not of this build.
// The library is inside the executable; it reaches the loader through a memfd, so that a read-only or noexec /tmp does
// not matter and nothing is left behind. Load on the main thread first: concurrent first loads have crashed.
import { dlopen, ptr as pointerOf } from "bun:ffi";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import embedded from "../../build/libmcr.so" with { type: "file" };
import { assert } from "../base/assert.ts";
import { abiDifference, abiText, calls } from "./abi.ts";

/** How the library came into the process; `note` says why when it was not by memfd. */
export type Origin = { by: "memfd" | "file"; note?: string };

const libcNames = ["libc.so.6", "libc.so"];
const memfdCalls = {
  memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  write: { args: ["i32", "ptr", "u64"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const;

function libcOpen() {
  const refusals: string[] = [];
  for (const name of libcNames) {
    try {
      return dlopen(name, memfdCalls).symbols;
    } catch (refusal) {
      refusals.push(String(refusal));
    }
  }
  throw new Error(`no C library: ${refusals.join("; ")}`);
}

function openByMemfd(image: Uint8Array) {
  const libc = libcOpen();
  // Padded: what is handed to C lives outside the collected heap only when it is large (DESIGN.md 6).
  const name = new Uint8Array(4096);
  name.set(new TextEncoder().encode("mcr-shim"));
  // With vm.memfd_noexec=2, Linux 6.3 takes no other memfd. The seal is against execve(2); to map it as code is not forbidden.
  // Kernels before do not know the flag.
  const [closeOnExec, noExecSeal] = [1, 8];
  const sealed = libc.memfd_create(pointerOf(name), closeOnExec | noExecSeal);
  const fd = sealed >= 0 ? sealed : libc.memfd_create(pointerOf(name), closeOnExec);
  if (fd < 0) {
    throw new Error("memfd_create refused");
  }
  try {
    for (let at = 0; at < image.length; ) {
      const written = Number(libc.write(fd, pointerOf(image, at), image.length - at));
      if (written <= 0) {
        throw new Error("writing the memfd failed");
      }
      at += written;
    }
    return dlopen(`/proc/self/fd/${fd}`, calls).symbols;
  } finally {
    libc.close(fd);
  }
}

/** Security modules and seccomp profiles may forbid the memfd: use a file that lives only until it is open. */
function openByFile(image: Uint8Array) {
  const directories = [process.env["RUNTIME_DIRECTORY"], "/run", process.env["STATE_DIRECTORY"], tmpdir()];
  const refusals: string[] = [];
  for (const parent of directories) {
    if (!parent) {
      continue;
    }
    let directory: string | undefined;
    try {
      directory = mkdtempSync(join(parent, "mcr-shim-"));
      const path = join(directory, "libmcr.so");
      writeFileSync(path, image, { mode: 0o500 });
      return dlopen(path, calls).symbols;
    } catch (refusal) {
      refusals.push(`${parent}: ${refusal instanceof Error ? refusal.message : refusal}`);
    } finally {
      if (directory) {
        rmSync(directory, { recursive: true, force: true });
      }
    }
  }
  throw new Error(
    `the native library could not be loaded: ${refusals.join("; ")}. Give the service a directory that is writable and not noexec in RUNTIME_DIRECTORY.`,
  );
}

function open() {
  const image = readFileSync(embedded);
  try {
    return { symbols: openByMemfd(image), origin: { by: "memfd" } as Origin };
  } catch (refusal) {
    const note = `the native library was loaded from a file, because a memfd was refused: ${refusal}`;
    return { symbols: openByFile(image), origin: { by: "file", note } as Origin };
  }
}

const opened = open();
const difference = abiDifference(abiText(), String(opened.symbols.mcr_abi()));
assert(difference === undefined, `the native library is not of this build: ${difference}`);

/** The shim's functions, ready to call. */
export const shim = opened.symbols;

/** How the shim was loaded; worth a log line when it was not by memfd. */
export const origin: Origin = opened.origin;
