// Makes dist/mcr-appliance: the shim, then one executable that holds Bun, the program and the shim. Does nothing when no
// input is newer than the executable. Run by `npm run build`; appliance/bootstrap has been there before.
import { statSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { bundle, commitOf, liburingOf, run, said } from "./bundle.ts";

const root = join(import.meta.dir, "..");

function changedAt(path: string): number {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function isUpToDate(): boolean {
  // Folders too: a file that was removed changes nothing but its folder.
  const sources = [...new Glob("src/**").scanSync({ cwd: root, onlyFiles: false })];
  const installed = [...new Glob("appliance/{install,systemd,openrc,openwrt,tuning}/**").scanSync({ cwd: root })];
  const inputs = [
    ...sources,
    ...installed,
    "src",
    "build/libmcr.so",
    "build/end.bpf",
    "build/door.bpf",
    "package.json",
    "tsconfig.json",
    "package-lock.json",
    "appliance/build.ts",
    "appliance/bundle.ts",
    "appliance/close-doors.ts",
  ];
  const builtAt = changedAt("dist/mcr-appliance");
  return inputs.every((input) => changedAt(input) < builtAt);
}

run(root, "make", "-s", "-C", "cshim");
if (!isUpToDate()) {
  const outfile = join(root, "dist/mcr-appliance");
  const liburing = liburingOf(`/usr/lib/${said(root, ["gcc", "-dumpmachine"])}/pkgconfig/liburing.pc`);
  bundle({ tree: root, outfile, commit: commitOf(root), liburing });
}
