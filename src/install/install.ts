// `install` and `uninstall` from beginning to end: what is wrong is found before anything is changed.
import { existsSync, statSync } from "node:fs";
import { exitCodes } from "../base/exit.ts";
import { codeOf, done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { programVersion } from "../base/version.ts";
import { carryOut, type Manner, removeFolders, runTasks } from "./carry-out.ts";
import { filesFor, type Init, type InstallFile, inits, type Paper } from "./files.ts";
import {
  foldersOfTasks,
  initOf,
  nextStep,
  tasksAfterInstall,
  tasksAfterUninstall,
  tasksBeforeUninstall,
} from "./init-system.ts";
import { installSteps, type Step, uninstallSteps } from "./plan.ts";
import { type InstallRecord, readRecord, recordPath } from "./record.ts";
import { Tree } from "./tree.ts";

/** What went wrong, and the exit code that says so. */
export type Failure = { exit: number; text: string };

/** `root` is the tree to install into, "/" for this machine; `executable` the file to install. */
export type Wish = { root: string; init: string | undefined; executable: string; paper: Paper };

/** Installs; the value is how many files were written, kept and found as they should be. */
export function install(wish: Wish, manner: Manner): Outcome<string, Failure> {
  const prepared = prepare(wish);
  if (!prepared.ok) {
    return prepared;
  }
  const { tree, init, record } = prepared.value;
  return attempt(() => {
    const files = filesFor(init, wish.paper);
    const hashes = new Map(files.map((file) => [file, tree.hashOf(file.content)]));
    const hashOf = (file: InstallFile) => hashes.get(file) ?? "";
    const steps = installSteps(files, { record, present: (path) => tree.present(path), hashOf });
    const wrong = obstacles(steps, tree);
    if (wrong.length > 0) {
      return failed({ exit: exitCodes.system, text: `nothing was changed: ${wrong.join("; ")}` });
    }
    const made = carryOut(steps, tree, manner);
    if (!manner.isDry) {
      write(tree, recordOf(init, files, steps, hashOf, record, made));
    }
    const isHere = tree.root === "";
    const refusal = isHere ? runTasks(tasksAfterInstall(init), manner) : undefined;
    if (refusal !== undefined) {
      return failed({ exit: exitCodes.system, text: `the files are there, but ${refusal}` });
    }
    return done(`${summary(steps, manner.isDry)}\n${isHere ? "Now" : "There"} ${nextStep(init)}`);
  });
}

/** Takes away what `install` put there. Edited configuration stays unless `isPurge`. */
export function uninstall(wish: Pick<Wish, "root"> & { isPurge: boolean }, manner: Manner): Outcome<string, Failure> {
  const opened = open({ ...wish, executable: "" });
  if (!opened.ok) {
    return opened;
  }
  const { tree, record } = opened.value;
  if (record === undefined) {
    const text = `nothing was installed by 'mcr-appliance install' here: there is no ${tree.root}${recordPath}`;
    return failed({ exit: exitCodes.refused, text });
  }
  return attempt(() => {
    if (tree.root === "") {
      runTasks(tasksBeforeUninstall(record.init), manner);
    }
    const steps = uninstallSteps(record, { present: (path) => tree.present(path) }, wish.isPurge);
    // The record goes last: an uninstallation that was cut short can be repeated.
    carryOut([...steps, { kind: "remove", path: recordPath }], tree, manner);
    const isHere = tree.root === "";
    removeFolders([...record.folders, ...(isHere ? foldersOfTasks(record.init) : [])], tree, manner);
    if (isHere) {
      runTasks(tasksAfterUninstall(record.init), manner);
    }
    return done(summary(steps, manner.isDry));
  });
}

type Opened = { tree: Tree; record: InstallRecord | undefined };

function prepare(wish: Wish): Outcome<Opened & { init: Init }, Failure> {
  const opened = open(wish);
  if (!opened.ok) {
    return opened;
  }
  const { tree } = opened.value;
  const known = inits.find((each) => each === wish.init);
  if (wish.init !== undefined && known === undefined) {
    return failed({ exit: exitCodes.usage, text: `--init is one of ${inits.join(", ")}` });
  }
  const init = known ?? opened.value.record?.init ?? initOf(tree.root);
  if (init === undefined) {
    const text = `${tree.root || "/"} has none of ${inits.join(", ")}: name the one it will have with --init`;
    return failed({ exit: exitCodes.unavailable, text });
  }
  // What a package manager put there is its own.
  if (existsSync(`${tree.root}/var/lib/dpkg/info/mcr-appliance.list`)) {
    const text =
      "the Debian package mcr-appliance is installed there: upgrade that, or 'apt remove mcr-appliance' first";
    return failed({ exit: exitCodes.refused, text });
  }
  return done({ ...opened.value, init });
}

function open({ root, executable }: Pick<Wish, "root" | "executable">): Outcome<Opened, Failure> {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    return failed({ exit: exitCodes.usage, text: `--root ${root} is no folder` });
  }
  const tree = new Tree(root, executable);
  const record = readRecord(tree.root);
  return record.ok
    ? done({ tree, record: record.value })
    : failed({ exit: exitCodes.configuration, text: record.error });
}

/** What stands in the way of the steps, before the first is made. */
function obstacles(steps: readonly Step[], tree: Tree): string[] {
  const paths = steps.flatMap((step) =>
    step.kind === "write" ? [step.file.path] : step.kind === "remove" ? [step.path] : [],
  );
  return [...new Set(paths.flatMap((path) => tree.strays(path) ?? []))];
}

function recordOf(
  init: Init,
  files: readonly InstallFile[],
  steps: readonly Step[],
  hashOf: (file: InstallFile) => string,
  before: InstallRecord | undefined,
  made: readonly string[],
): InstallRecord {
  const kept = new Set(steps.flatMap((step) => (step.kind === "keep" ? [step.path] : [])));
  return {
    version: programVersion,
    init,
    // What an operator keeps was not written now: what was written last stays on record, so that edited stays edited.
    files: files.flatMap((file) => {
      const { path, isConfig } = file;
      const old = before?.files.find((each) => each.path === path);
      return kept.has(path) ? (old === undefined ? [] : [old]) : [{ path, isConfig, sha256: hashOf(file) }];
    }),
    folders: [...new Set([...(before?.folders ?? []), ...made])],
  };
}

function write(tree: Tree, record: InstallRecord): void {
  const text = () => new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`);
  // Its own folders belong to it, and are known only when it has been written.
  const made = tree.put(recordPath, 0o644, { from: "here", bytes: text() });
  if (made.length > 0) {
    record.folders.push(...made);
    tree.put(recordPath, 0o644, { from: "here", bytes: text() });
  }
}

function summary(steps: readonly Step[], isDry: boolean): string {
  const count = (kind: Step["kind"]) => steps.filter((step) => step.kind === kind).length;
  const words = isDry ? "would be " : "";
  const parts = [`${count("write")} files ${words}written`, `${count("remove")} ${words}removed`];
  return [...parts, `${count("keep")} kept`, `${count("same")} as they should be`].join(", ");
}

/** What the system refuses on the way is an operator's to mend, not a broken program. */
function attempt<T>(work: () => Outcome<T, Failure>): Outcome<T, Failure> {
  try {
    return work();
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === undefined) {
      throw thrown;
    }
    const isDenied = code === "EACCES" || code === "EPERM";
    const advice = isDenied ? ". Run it as root" : "";
    return failed({ exit: isDenied ? exitCodes.permission : exitCodes.system, text: `${reasonOf(thrown)}${advice}` });
  }
}
