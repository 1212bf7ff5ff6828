// The executables for musl, in a root like Alpine's: nothing in it but a musl, libstdc++ and the executable. Debian has no libstdc++
// for musl; Alpine's own is in the wheels that PyPI has for it.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { executableFor, must, type Place, proveCommands, proveDemo, proveLibrary, said, type Trial } from "./trial.ts";

/** Alpine's libraries use packed relocations, which musl knows since 1.2.4: this suite has 1.2.5. */
const suite = "trixie";
/** A small wheel with libstdc++ and libgcc_s inside; the hashes are PyPI's. */
const wheel = { name: "kiwisolver", version: "1.4.7" };
const wheelHashes: Readonly<Record<string, string>> = {
  x86_64: "90da3b5f694b85231cf93586dad5e90e2d71b9428f9aad96952c99055582f520",
  aarch64: "4e77f2126c3e0b0d055f44513ed349038ac180371ed9b52fe96a32aa071a5107",
};

type Machine = "x86_64" | "aarch64";

/** Makes the root in the scratch folder, the executable of target `name` in it as /usr/bin/mcr-appliance. */
function makeRoot(place: Place, machine: Machine, name: string): string {
  const fetched = join(place.work, "alpine");
  must([join(place.root, "appliance/release/fetch"), fetched, suite, "musl:amd64", "musl:arm64"]);
  const root = join(place.scratch, `root-${machine}`);
  for (const folder of ["lib", "usr/lib", "usr/bin", "etc", "tmp", "run", "proc", "sys", "dev"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  unpackLoader(join(fetched, "files"), machine, root, place.scratch);
  const wheels = unpackWheel(place, machine);
  for (const library of readdirSync(wheels)) {
    cpSync(join(wheels, library), join(root, "usr/lib", library));
    if (library.startsWith("libstdc++")) symlinkSync(library, join(root, "usr/lib/libstdc++.so.6"));
  }
  cpSync(executableFor(place, name), join(root, "usr/bin/mcr-appliance"));
  return root;
}

function unpackLoader(files: string, machine: Machine, root: string, scratch: string): void {
  const architecture = machine === "x86_64" ? "amd64" : "arm64";
  const archive = readdirSync(files).find((file) => file.startsWith("musl_") && file.includes(architecture));
  if (archive === undefined) throw new Error(`no musl for ${architecture} in ${files}`);
  const unpacked = join(scratch, `musl-${machine}`);
  must(["dpkg-deb", "-x", join(files, archive), unpacked]);
  cpSync(join(unpacked, `usr/lib/${machine}-linux-musl/libc.so`), join(root, `lib/ld-musl-${machine}.so.1`));
}

/** The folder with the wheel's libraries. */
function unpackWheel({ work }: Place, machine: Machine): string {
  const folder = join(work, `wheel-${machine}`);
  const libraries = join(folder, `${wheel.name}.libs`);
  if (existsSync(libraries)) return libraries;
  const platform = ["--python-version", "312", "--platform", `musllinux_1_2_${machine}`];
  const what = ["--no-deps", "--only-binary=:all:", ...platform, "-d", folder, `${wheel.name}==${wheel.version}`];
  must(["python3", "-m", "pip", "download", "-q", ...what]);
  const archive = readdirSync(folder).find((file) => file.endsWith(".whl")) ?? "";
  const hash = new Bun.CryptoHasher("sha256").update(readFileSync(join(folder, archive))).digest("hex");
  if (hash !== wheelHashes[machine])
    throw new Error(`${archive} hashes to ${hash}, not as appliance/trial/musl.ts says`);
  must(["python3", "-m", "zipfile", "-e", join(folder, archive), folder]);
  return libraries;
}

export const x64Musl: Trial = {
  name: "x64-musl",
  about: "x64, musl: commands, ABI, demo in a root like Alpine's",
  run: (place) => {
    const root = makeRoot(place, "x86_64", "linux-x64-musl");
    // As the demo's namespaces see them, and its sockets in /tmp; all of it goes with the process.
    const wrapper = join(place.scratch, "mcr-appliance");
    const binds = ["proc", "sys", "dev", "tmp", "run"].map((folder) => `mount --rbind /${folder} "$root/${folder}"`);
    const inside = `root=${root}; ${binds.join("; ")}; exec chroot "$root" /usr/bin/mcr-appliance "$@"`;
    writeFileSync(wrapper, `#!/bin/sh\nexec unshare -m sh -ec '${inside}' mcr-appliance "$@"\n`);
    chmodSync(wrapper, 0o755);
    const lines = proveLibrary([wrapper]);
    const count = proveCommands([wrapper], place.scratch);
    return { ran: `${count} commands; ${said(lines, "waiting")}; demo: ${proveDemo(place.root, wrapper)}` };
  },
};

export const arm64Musl: Trial = {
  name: "arm64-musl",
  about: "arm64, musl: commands and ABI in a root like Alpine's, emulated",
  run: (place) => {
    const root = makeRoot(place, "aarch64", "linux-arm64-musl");
    const command = ["qemu-aarch64-static", "-L", root, join(root, "usr/bin/mcr-appliance")];
    const lines = proveLibrary(command);
    return { ran: `${proveCommands(command, place.scratch)} commands; ${said(lines, "waiting")}` };
  },
};
