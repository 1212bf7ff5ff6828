// An archive for each target: the executable, install.sh, and what one reads first.
import { chmodSync, cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../bundle.ts";
import { putPapers } from "./papers.ts";

/** Makes `outfile` (.tar.gz) of `executable`; all files in it have the time `epoch`, in seconds. */
export function makeTarball(
  root: string,
  executable: string,
  name: string,
  work: string,
  outfile: string,
  epoch: number,
): void {
  const folder = join(work, "tarball", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(executable, join(folder, "mcr-appliance"));
  cpSync(join(root, "appliance/install/install.sh"), join(folder, "install.sh"));
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  chmodSync(join(folder, "LICENSE"), 0o644);
  putPapers(root, folder);
  for (const program of ["mcr-appliance", "install.sh"]) chmodSync(join(folder, program), 0o755);
  const same = ["--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
  // -n: no name and no time in gzip's own header.
  run(dirname(folder), "tar", ...same, "-I", "gzip -n", "-cf", outfile, name);
  rmSync(folder, { recursive: true });
}
