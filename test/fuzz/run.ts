// More hostile frames than `npm test` has time for, with the same tests: parse() against the reference, and the live binary
// (as root). Usage: npm run fuzz -- [--cases N] [--seed S]; what is not given is a million, and a new seed, which is printed.
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dir, "../..");
/** A frame through namespaces and two processes costs as much as so many through parse() alone. */
const liveShare = 20;

const { values } = parseArgs({ options: { cases: { type: "string" }, seed: { type: "string" } } });
const cases = whole("--cases", values.cases ?? "1000000");
const seed = whole("--seed", values.seed ?? String(crypto.getRandomValues(new Uint32Array(1))[0]));

function whole(name: string, text: string): number {
  if (!/^\d{1,12}$/.test(text)) {
    process.stderr.write(`${name} must be a whole number, not '${text}'\n`);
    process.exit(64);
  }
  return Number(text);
}

process.stdout.write(`${cases} cases, seed ${seed}\n`);
const env = {
  ...process.env,
  FC_RUNS: String(cases),
  // fast-check takes 32 bits, signed.
  FC_SEED: String(seed | 0),
  FUZZ_FRAMES: String(Math.max(1_000, Math.round(cases / liveShare))),
  FUZZ_SEED: String(seed),
};
const files = ["./test/fuzz/parse.test.ts", "./test/network/fuzz.test.ts", "./test/network/fuzz-stamped.test.ts"];
const codes = files.map(
  (file) =>
    Bun.spawnSync([process.execPath, "test", "--timeout=86400000", file], {
      cwd: root,
      env,
      stdout: "inherit",
      stderr: "inherit",
    }).exitCode,
);
process.exit(codes.every((code) => code === 0) ? 0 : 1);
