// One target's executable: the source tree with that target's shim, compiled with that target's Bun.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { bundle, run } from "../bundle.ts";
import { bunVersion, type Target } from "./targets.ts";
import { buildShim, toolchainFor } from "./toolchain.ts";

/** Makes `outfile` for `target` from the tree `root`, with what is kept between builds under `work`. */
export function buildExecutable(root: string, target: Target, work: string, commit: string, outfile: string): void {
  const toolchain = toolchainFor(target, work);
  const tree = join(work, "tree", target.name);
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  for (const name of ["src", "appliance", "package.json", "tsconfig.json", "LICENSE"]) {
    cpSync(join(root, name), join(tree, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  buildShim(root, target, toolchain, join(tree, "build"));
  const foreign = { target: bunTarget(target), runtime: runtimeOf(target, work), libc: target.libc };
  bundle({ tree, outfile, commit, liburing: toolchain.liburing, foreign });
  rmSync(tree, { recursive: true });
}

/** As `bun build --target` wants it. */
function bunTarget({ machine, libc, name }: Target): string {
  const parts = ["bun-linux", machine === "x86_64" ? "x64" : "arm64"];
  if (name.endsWith("-baseline")) parts.push("baseline");
  if (libc === "musl") parts.push("musl");
  return parts.join("-");
}

/** The Bun executable of `target`, from npm, checked against the hash in `targets.ts`. */
export function runtimeOf({ runtime }: Target, work: string): string {
  const folder = join(work, "runtime", `${runtime.package}-${bunVersion}`);
  const executable = join(folder, "package/bin/bun");
  if (existsSync(executable)) return executable;
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  // By npm, whatever machine it is for: as a dependency it would be refused here.
  run(unfinished, "npm", "pack", "--silent", `@oven/${runtime.package}@${bunVersion}`);
  const archive = join(unfinished, `oven-${runtime.package}-${bunVersion}.tgz`);
  const hash = `sha512-${new Bun.CryptoHasher("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (hash !== runtime.integrity)
    throw new Error(`${runtime.package} ${bunVersion} hashes to ${hash}, not as targets.ts says`);
  run(unfinished, "tar", "xzf", archive);
  rmSync(archive);
  renameSync(unfinished, folder);
  return executable;
}
