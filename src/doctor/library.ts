// How the native library gets into the process: a memfd that may be executed, else a file in a folder that allows it.
import { fine, type Verdict } from "./verdict.ts";

/** `refusal`: it cannot be loaded at all; `note`: it was, from a file. */
export type LibraryFacts = {
  refusal: string | undefined;
  note: string | undefined;
  /** Folders that the file could go to, and that forbid to run files. */
  forbidden: readonly string[];
};

const id = "native-library";

/** Whether and how it loads. */
export function judgeLibrary({ refusal, note, forbidden }: LibraryFacts): Verdict[] {
  if (refusal !== undefined) {
    return [
      {
        id,
        severity: "error",
        what: `The native library cannot be loaded: ${refusal}`,
        why: "Nothing of the relay runs without it.",
        commands: forbidden.slice(0, 1).map((folder) => ({ run: ["mount", "-o", "remount,exec", folder] as const })),
        advice:
          "Or give the service a writable folder that is not noexec (RuntimeDirectory=, RUNTIME_DIRECTORY), or allow it memfd_create.",
      },
    ];
  }
  if (note === undefined) {
    return [fine(id, "the native library loads from memory")];
  }
  return [
    {
      id,
      severity: "warning",
      what: "The native library had to be loaded from a file: code in memory is refused.",
      why:
        forbidden.length === 0
          ? "It works as long as /run or /tmp is writable and not noexec."
          : `It works as long as one folder is left; noexec are ${forbidden.join(", ")}.`,
      advice:
        "A seccomp profile or a security module (SELinux, AppArmor) refuses memfd_create: allow it for this program.",
    },
  ];
}

/** Of `folders`, those on a mount that is noexec, by /proc/self/mounts: the longest mount point above a folder decides. */
export function forbiddenFolders(mounts: string, folders: readonly string[]): string[] {
  const rows = mounts.split("\n").map((line) => line.split(" "));
  return folders.filter((folder) => {
    let best = { length: -1, isForbidden: false };
    for (const [, point = "", , options = ""] of rows) {
      const isAbove = folder === point || folder.startsWith(point.endsWith("/") ? point : `${point}/`);
      // Of two mounts on one point the later one is on top.
      if (point !== "" && isAbove && point.length >= best.length) {
        best = { length: point.length, isForbidden: options.split(",").includes("noexec") };
      }
    }
    return best.isForbidden;
  });
}
