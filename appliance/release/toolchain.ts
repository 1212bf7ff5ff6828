// What compiles the shim for a target: a compiler, the target's C library, and liburing built with both. The compilers are Debian's;
// musl and liburing's source come by `fetch`.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { liburingOf, run, said } from "../bundle.ts";
import type { Target } from "./targets.ts";

/** `cc` with its options; liburing's headers, archive and version. */
export type Toolchain = { cc: string[]; include: string; archive: string; liburing: string };

/** Makes the toolchain of `target` under `work`, where `fetch` has put its files in `debian/files`; what is there is kept. */
export function toolchainFor(target: Target, work: string): Toolchain {
  const fetched = join(work, "debian/files");
  const kind = `${target.machine}-${target.libc}`;
  const cc =
    target.libc === "musl" ? muslCompiler(target, fetched, join(work, "musl", target.machine)) : [gccOf(target)];
  const liburing = join(work, "liburing", kind);
  if (!existsSync(join(liburing, "src/liburing.a"))) buildLiburing(cc, fetched, liburing);
  const version = liburingOf(join(liburing, "liburing.spec"));
  return { cc, include: join(liburing, "src/include"), archive: join(liburing, "src/liburing.a"), liburing: version };
}

function gccOf({ machine }: Target): string {
  return machine === "x86_64" ? "gcc" : `${machine}-linux-gnu-gcc`;
}

/** Debian's musl-gcc, for either machine: its specs with the places of the unpacked package. */
function muslCompiler(target: Target, fetched: string, sysroot: string): string[] {
  const triplet = `${target.machine}-linux-musl`;
  const library = join(sysroot, "usr/lib", triplet);
  const specs = join(sysroot, "musl.specs");
  if (!existsSync(specs)) {
    unpackMusl(target, fetched, sysroot);
    // What links with libc links with the shared one: the archive would put a second C library into the process.
    symlinkSync(`../../../lib/${triplet}/libc.so`, join(library, "libc.so"));
    const text = readFileSync(join(library, "musl-gcc.specs"), "utf8");
    const places = text.replaceAll(/\/usr\/(include|lib)\//g, (place) => `${sysroot}${place}`);
    writeFileSync(specs, places);
  }
  // The kernel's headers stand behind musl's.
  const kernel =
    target.machine === "x86_64"
      ? ["/usr/include", "/usr/include/x86_64-linux-gnu"]
      : [`/usr/${target.machine}-linux-gnu/include`];
  return [gccOf(target), "-specs", specs, ...kernel.flatMap((folder) => ["-idirafter", folder])];
}

/** musl's packages for the machine of `target`, unpacked into `sysroot`: to compile with, and to run in. */
export function unpackMusl(target: Target, fetched: string, sysroot: string): void {
  mkdirSync(sysroot, { recursive: true });
  const packages = readdirSync(fetched).filter(
    (name) => /^musl(-dev)?_/.test(name) && name.includes(target.architecture),
  );
  if (packages.length !== 2) throw new Error(`musl for ${target.architecture} is not in ${fetched}`);
  for (const name of packages) run(sysroot, "dpkg-deb", "-x", join(fetched, name), sysroot);
}

function buildLiburing(cc: readonly string[], fetched: string, folder: string): void {
  const source = readdirSync(fetched).find((name) => /^liburing_.*\.orig\.tar/.test(name));
  if (source === undefined) throw new Error(`liburing's source is not in ${fetched}`);
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  run(unfinished, "tar", "xf", join(fetched, source), "--strip-components=1");
  const compiler = cc.join(" ");
  if (said(unfinished, ["./configure", `--cc=${compiler}`]) === undefined)
    throw new Error(`liburing's configure failed with ${compiler}`);
  // Paths of this machine are not part of the result.
  const flags = `-O2 -g0 -fPIC -ffile-prefix-map=${unfinished}=liburing`;
  run(unfinished, "make", "-s", "-C", "src", "liburing.a", `CC=${compiler}`, `CFLAGS=${flags}`, "AR=ar");
  renameSync(unfinished, folder);
}

/** Builds the shim for `target` from the tree `root` to `out`/libmcr.so, and checks that it needs the C library alone. */
export function buildShim(root: string, target: Target, { cc, include, archive }: Toolchain, out: string): void {
  mkdirSync(out, { recursive: true });
  // No debug information and no build path: two builds are alike wherever they are made.
  const flags = `-O2 -g0 -ffile-prefix-map=${root}=. -isystem ${include}`;
  const library = join(out, "libmcr.so");
  run(
    root,
    "make",
    "-s",
    "-B",
    "-C",
    "cshim",
    `OUT=${out}`,
    `CC=${cc.join(" ")}`,
    `CFLAGS=${flags}`,
    `URING=${archive}`,
    library,
  );
  const needed = said(root, ["readelf", "-d", library])?.match(/(?<=NEEDED.*\[)[^\]]+/g) ?? [];
  const libc = target.libc === "musl" ? "libc.so" : "libc.so.6";
  if (needed.join() !== libc) throw new Error(`${library} needs ${needed.join(", ") || "nothing"}, not ${libc} alone`);
  cpSync(join(root, "build/end.bpf"), join(out, "end.bpf"));
  cpSync(join(root, "build/door.bpf"), join(out, "door.bpf"));
}
