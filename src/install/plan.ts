// What an installation or its end would do, file by file. Pure: it is told what is there.
import type { InstallFile } from "./files.ts";
import type { InstallRecord } from "./record.ts";

/** What stands at a path. `hash` is SHA-256 in hexadecimal; a link or anything else that is no file has none. */
export type Present = { hash: string | undefined; mode: number };

/** `same` and `keep` do nothing, and say why. */
export type Step =
  | { kind: "write"; file: InstallFile }
  | { kind: "same"; path: string }
  | { kind: "keep"; path: string; why: string }
  | { kind: "remove"; path: string };

type Facts = {
  record: InstallRecord | undefined;
  present(path: string): Present | undefined;
  /** The hash that `file` will have. */
  hashOf(file: InstallFile): string;
};

/** Steps to install `files`; what an earlier version put there and this one does not have goes. */
export function installSteps(files: readonly InstallFile[], facts: Facts): Step[] {
  const shipped = new Set(files.map(({ path }) => path));
  const left = (facts.record?.files ?? []).filter(({ path }) => !shipped.has(path));
  return [...files.map((file) => installStep(file, facts)), ...left.flatMap((file) => removal(file, facts, false))];
}

function installStep(file: InstallFile, { record, present, hashOf }: Facts): Step {
  const { path, mode, isConfig } = file;
  const there = present(path);
  const written = record?.files.find((each) => each.path === path)?.sha256;
  if (there === undefined) {
    return isConfig && written !== undefined ? { kind: "keep", path, why: "it was removed" } : { kind: "write", file };
  }
  if (there.hash === hashOf(file) && (isConfig || there.mode === mode)) {
    return { kind: "same", path };
  }
  if (isConfig && there.hash !== written) {
    return { kind: "keep", path, why: written === undefined ? "it was there before" : "it was edited" };
  }
  return { kind: "write", file };
}

/** Steps that take away what `record` says was installed; edited configuration only with `isPurge`. */
export function uninstallSteps(record: InstallRecord, facts: Pick<Facts, "present">, isPurge: boolean): Step[] {
  return record.files.flatMap((file) => removal(file, facts, isPurge));
}

function removal(
  { path, sha256, isConfig }: InstallRecord["files"][number],
  { present }: Pick<Facts, "present">,
  isPurge: boolean,
): Step[] {
  const there = present(path);
  if (there === undefined) {
    return [];
  }
  return isConfig && !isPurge && there.hash !== sha256
    ? [{ kind: "keep", path, why: "it was edited" }]
    : [{ kind: "remove", path }];
}
