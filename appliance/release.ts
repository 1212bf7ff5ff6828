// npm run release: an executable for each target, archives, Debian packages, a bill of materials and sums, in dist/release/. What
// it fetches and compiles on the way is kept in build/release/. `--only NAME` (repeatable) makes some targets alone; `--executables` leaves it at those.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import about from "../package.json" with { type: "json" };
import { commitOf, run, said } from "./bundle.ts";
import { billOfMaterials } from "./release/bill.ts";
import { makeDebianPackage } from "./release/debian.ts";
import { buildExecutable } from "./release/executable.ts";
import { makeTarball } from "./release/tarball.ts";
import { bunVersion, type Target, targets } from "./release/targets.ts";
import { toolchainFor } from "./release/toolchain.ts";

const root = join(import.meta.dir, "..");

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    out: { type: "string" },
    work: { type: "string" },
    executables: { type: "boolean" },
  },
});
const out = resolve(values.out ?? join(root, "dist/release"));
const work = resolve(values.work ?? join(root, "build/release"));

function wantedTargets() {
  const unknown = (values.only ?? []).filter((name) => !targets.some((target) => target.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`no target ${unknown.join(", ")}; there are ${targets.map(({ name }) => name).join(", ")}\n`);
    process.exit(64);
  }
  return targets.filter(({ name }) => values.only?.includes(name) ?? true);
}

/** In the form of `sha256sum -c`. */
function writeSums(): void {
  const lines = readdirSync(out)
    .filter((name) => name !== "SHA256SUMS")
    .sort()
    .map((name) => `${new Bun.CryptoHasher("sha256").update(readFileSync(join(out, name))).digest("hex")}  ${name}\n`);
  writeFileSync(join(out, "SHA256SUMS"), lines.join(""));
}

if (about.dependencies.bun !== bunVersion) {
  throw new Error(`package.json pins Bun ${about.dependencies.bun}, appliance/release/targets.ts knows ${bunVersion}`);
}
const wanted = wantedTargets();
const musl = ["musl:amd64", "musl-dev:amd64", "musl:arm64", "musl-dev:arm64"];
run(root, join(root, "appliance/release/fetch"), join(work, "debian"), "", "source:liburing", ...musl);
if (existsSync(out)) rmSync(out, { recursive: true });
mkdirSync(out, { recursive: true });
const commit = commitOf(root);
// The commit's time is that of everything that has one.
const epoch = Number(said(root, ["git", "log", "-1", "--format=%ct"]) ?? 0);

function packages(target: Target, name: string): void {
  const executable = join(out, name);
  makeTarball(root, executable, name, work, join(out, `${name}.tar.gz`), epoch);
  // x64 is x64-baseline, and Debian's musl is no system to install to.
  if (target.libc === "musl" || target.name.endsWith("-baseline")) return;
  const outfile = join(out, `mcr-appliance_${about.version}_${target.architecture}.deb`);
  makeDebianPackage({ root, target, executable, work, outfile, epoch });
}

for (const target of wanted) {
  const name = `mcr-appliance-${about.version}-${target.name}`;
  process.stdout.write(`${name}\n`);
  buildExecutable(root, target, work, commit, join(out, name));
  if (values.executables !== true) packages(target, name);
}
const [first] = wanted;
if (first !== undefined) {
  const { liburing } = toolchainFor(first, work);
  const bill = billOfMaterials(root, { liburing, commit, time: new Date(epoch * 1000) });
  writeFileSync(join(out, `mcr-appliance-${about.version}.cdx.json`), bill);
}
writeSums();
