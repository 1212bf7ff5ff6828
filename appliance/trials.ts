// npm run appliance:test: tries a release as its users will, as far as this machine can, and says in a table what ran, what was
// skipped and why. Needs root and what `npm run release` made. Some alone: `npm run appliance:test -- deb lintian`.
// Exit: 0 nothing failed, 1 something did, 64 no such trial, 69 no release, 77 not root.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import about from "../package.json" with { type: "json" };
import { arm64, arm64Shim } from "./trial/arm64.ts";
import { container } from "./trial/container.ts";
import { installVerb } from "./trial/install.ts";
import { liveInstall, livePackage } from "./trial/live.ts";
import { liveOpenrc } from "./trial/live-openrc.ts";
import { arm64Musl, x64Musl } from "./trial/musl.ts";
import { debianPackage, debianPackageArm64, lintian } from "./trial/package.ts";
import { manual, sums } from "./trial/paper.ts";
import { beyondTrials, systemTrials } from "./trial/systems.ts";
import type { Place, Trial, Verdict } from "./trial/trial.ts";
import { twice } from "./trial/twice.ts";
import { bareArm64, bareMachine } from "./trial/vm.ts";
import { baseline, native } from "./trial/x64.ts";

const trials: readonly Trial[] = [
  sums,
  native,
  baseline,
  x64Musl,
  arm64,
  arm64Musl,
  arm64Shim,
  manual,
  installVerb,
  liveInstall,
  lintian,
  debianPackage,
  debianPackageArm64,
  livePackage,
  liveOpenrc,
  container,
  ...systemTrials,
  bareMachine,
  bareArm64,
  twice,
  ...beyondTrials,
];

const root = join(import.meta.dir, "..");

function end(code: number, text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}

function wantedTrials(): readonly Trial[] {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !trials.some((trial) => trial.name === name));
  if (unknown.length > 0)
    end(64, `no trial ${unknown.join(", ")}; there are ${trials.map(({ name }) => name).join(", ")}`);
  return names.length === 0 ? trials : trials.filter(({ name }) => names.includes(name));
}

async function runOne(trial: Trial): Promise<Verdict | { failed: string }> {
  const scratch = mkdtempSync(join(tmpdir(), `mcrt-${process.pid}-appliance-`));
  const place: Place = {
    root,
    release: join(root, "dist/release"),
    work: join(root, "build/release"),
    scratch,
    version: about.version,
  };
  try {
    return await trial.run(place);
  } catch (thrown) {
    return { failed: thrown instanceof Error ? thrown.message : String(thrown) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (process.getuid?.() !== 0) end(77, "namespaces, chroot and packages need root");
const wanted = wantedTrials();
if (!existsSync(join(root, "dist/release/SHA256SUMS"))) end(69, "there is no release in dist/release: npm run release");
mkdirSync(join(root, "build/release"), { recursive: true });
const rows: { trial: Trial; word: string; text: string; seconds: number }[] = [];
for (const trial of wanted) {
  const began = performance.now();
  process.stdout.write(`${trial.about} ...\n`);
  const verdict = await runOne(trial);
  const [word, text] =
    "failed" in verdict
      ? ["failed", verdict.failed]
      : "skipped" in verdict
        ? ["skipped", verdict.skipped]
        : ["passed", verdict.ran];
  rows.push({ trial, word, text, seconds: (performance.now() - began) / 1000 });
  process.stdout.write(`   ${word}: ${text}\n`);
}
process.stdout.write("\n");
for (const { trial, word, text, seconds } of rows) {
  const [first = ""] = text.split("\n");
  process.stdout.write(`${trial.name.padEnd(16)}${word.padEnd(9)}${seconds.toFixed(0).padStart(4)} s  ${first}\n`);
}
const count = (word: string) => rows.filter((row) => row.word === word).length;
process.stdout.write(`${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped\n`);
process.exit(count("failed") > 0 ? 1 : 0);
