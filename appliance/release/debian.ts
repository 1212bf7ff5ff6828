// A Debian package: what `mcr-appliance install` writes, with the executable of the target, and dpkg's own files around it.
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { Glob } from "bun";
import about from "../../package.json" with { type: "json" };
import { readRecord, recordPath } from "../../src/install/record.ts";
import { run } from "../bundle.ts";
import { putPapers } from "./papers.ts";
import type { Target } from "./targets.ts";

/** The oldest glibc that executables and shim link with (memfd_create), as `objdump -T` shows. */
const oldestLibc = "2.27";
const maintainer = "the mcr-appliance authors <mcr-appliance@localhost.localdomain>";

type Package = { root: string; target: Target; executable: string; work: string; outfile: string; epoch: number };

/** Makes `outfile` (.deb). `epoch` in seconds is the time of all that is in it. */
export function makeDebianPackage({ root, target, executable, work, outfile, epoch }: Package): void {
  const stage = join(work, "deb", target.name);
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  // By the machine's own executable; all but itself is the same in every target.
  run(root, join(root, "dist/mcr-appliance"), "install", "--root", stage, "--init", "systemd");
  const record = readRecord(stage);
  if (!record.ok || record.value === undefined) throw new Error(`nothing was installed into ${stage}`);
  rmSync(dirname(join(stage, recordPath)), { recursive: true });
  cpSync(executable, join(stage, "usr/bin/mcr-appliance"));
  writePapers(root, stage, epoch);
  const conffiles = record.value.files.filter(({ isConfig }) => isConfig).map(({ path }) => path);
  writeControl(root, stage, target, conffiles);
  // Level 3: nine tenths of the gain in a fifth of the time. One thread, so that the bytes do not depend on the machine.
  const how = ["--root-owner-group", "-Zxz", "-z3", "--threads-max=1", "--build"];
  run(work, "env", `SOURCE_DATE_EPOCH=${epoch}`, "dpkg-deb", ...how, stage, outfile);
  rmSync(stage, { recursive: true });
}

function writePapers(root: string, stage: string, epoch: number): void {
  const folder = join(stage, "usr/share/doc/mcr-appliance");
  mkdirSync(folder, { recursive: true });
  putPapers(root, folder);
  cpSync(join(root, "appliance/debian/copyright"), join(folder, "copyright"));
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  const entry = `${about.name} (${about.version}) stable; urgency=medium\n\n  * See CHANGELOG.md beside this file.\n\n -- ${maintainer}  ${date}\n`;
  writeFileSync(join(folder, "changelog.gz"), gzipSync(entry, { level: 9 }));
  const overrides = join(stage, "usr/share/lintian/overrides");
  mkdirSync(overrides, { recursive: true });
  cpSync(join(root, "appliance/debian/overrides"), join(overrides, about.name));
  for (const path of [join(folder, "copyright"), join(folder, "changelog.gz"), join(overrides, about.name)])
    chmodSync(path, 0o644);
}

function writeControl(root: string, stage: string, target: Target, conffiles: readonly string[]): void {
  const files = [...new Glob("**").scanSync({ cwd: stage, dot: true })].sort();
  const size = files.reduce((sum, file) => sum + Math.ceil(statSync(join(stage, file)).size / 1024), 0);
  const sums = files
    .filter((file) => !conffiles.includes(`/${file}`))
    .map((file) => `${new Bun.CryptoHasher("md5").update(readFileSync(join(stage, file))).digest("hex")}  ${file}\n`);
  const control = `Package: ${about.name}
Version: ${about.version}
Architecture: ${target.architecture}
Maintainer: ${maintainer}
Installed-Size: ${size}
Depends: libc6 (>= ${oldestLibc}), init-system-helpers (>= 1.54~), systemd | systemd-standalone-sysusers | systemd-sysusers
Section: net
Priority: optional
Description: multicast relay for routers and servers
 Captures UDP datagrams on one interface before the kernel's reverse-path
 check can drop them, and sends them out again on others: to another group,
 port or source, multicast or unicast, to one output or to fifty. Rules come
 and go while it runs, and every frame is accounted for.
`;
  const folder = join(stage, "DEBIAN");
  mkdirSync(folder);
  writeFileSync(join(folder, "control"), control);
  writeFileSync(join(folder, "conffiles"), conffiles.map((path) => `${path}\n`).join(""));
  writeFileSync(join(folder, "md5sums"), sums.join(""));
  for (const script of ["postinst", "prerm", "postrm"]) {
    cpSync(join(root, "appliance/debian", script), join(folder, script));
    chmodSync(join(folder, script), 0o755);
  }
}
