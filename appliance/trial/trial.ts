// What a trial of the appliance is. Each tries one thing that an operator will do with a release, on this machine, and leaves nothing.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** `ran`: what was seen. `skipped`: what stands in the way here. A throw is a failure. */
export type Verdict = { ran: string } | { skipped: string };

/** `release` is dist/release, `work` keeps what is fetched, `scratch` is this trial's own folder, taken away behind it. */
export type Place = { root: string; release: string; work: string; scratch: string; version: string };

/** `name` is what can be asked for on the command line; `about` stands in the table. */
export type Trial = { name: string; about: string; run(place: Place): Promise<Verdict> | Verdict };

/** A release's executable for the target `name`, as in `linux-x64-musl`. */
export function executableFor({ release, version }: Place, name: string): string {
  return join(release, `mcr-appliance-${version}-${name}`);
}

/** Runs `command` to its end; what it printed, both streams. Throws with that when it fails. */
export function must(command: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}): string {
  const { exitCode, output } = may(command, options);
  if (exitCode !== 0) throw new Error(`'${command.join(" ")}' ended with ${exitCode}:\n${output.slice(-4000)}`);
  return output;
}

/** As `must`, but any exit code will do. */
export function may(command: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}) {
  const env = { ...process.env, ...options.env };
  const ended = Bun.spawnSync([...command], { ...options, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  return { exitCode: ended.exitCode, output: ended.stdout.toString() + ended.stderr.toString() };
}

/** Throws unless `what` is so. */
export function expect(what: string, isSo: boolean): void {
  if (!isSo) throw new Error(`not so: ${what}`);
}

/** The value of `about` in what `--version --verbose` prints. */
export function said(lines: string, about: string): string {
  const line = lines.split("\n").find((each) => each.startsWith(`${about} `));
  if (line === undefined) throw new Error(`nothing is said of ${about}:\n${lines}`);
  return line.slice(about.length).trim();
}

/** Runs `--version --verbose`, which loads the shim and compares its ABI; throws unless it is of this build. Returns it. */
export function proveLibrary(command: readonly string[]): string {
  const lines = must([...command, "--version", "--verbose"]);
  const library = said(lines, "library");
  if (library !== "loaded from memory, of this build") throw new Error(`the shim: ${library}`);
  return lines;
}

/** Commands that need no network: every page of help and manual, a good and a bad configuration. Returns how many. */
export function proveCommands(command: readonly string[], scratch: string): number {
  const wrong = join(scratch, "wrong.json5");
  writeFileSync(wrong, "{ rules: [ { input: { port: 70000 } } ] }");
  const good = [["help"], ["help", "add"], ["man"], ["man", "mcr.json5"], ["completion", "bash"], ["config", "schema"]];
  for (const each of good) must([...command, ...each]);
  const { exitCode } = may([...command, "config", "check", wrong]);
  if (exitCode !== 78) throw new Error(`config check of a wrong file ended with ${exitCode}, not 78`);
  return good.length + 1;
}

/** The demo's pace in a trial: what a machine with other work, or an emulator, keeps up with. */
const demoRate = "2000";

/** Runs the demo with `binary`; throws unless every datagram arrived. Returns its last line. */
export function proveDemo(root: string, binary: string): string {
  const output = must([process.execPath, join(root, "appliance/demo.ts")], {
    env: { MCR_BINARY: binary, MCR_DEMO_RATE: demoRate },
    cwd: root,
  });
  return output.trim().split("\n").at(-1) ?? "";
}
