// The files in which Linux says how it is: /proc, /sys. Reads only. Tests give it a tree of their own.
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import { codeOf } from "../base/outcome.ts";

/** What stat(2) says of a file: permission bits and type apart. */
export type FileFacts = { mode: number; uid: number; isSocket: boolean };

/** Files below `root`. What is not there, or not for us, is undefined; `refusals` says which were not for us. */
export class Machine {
  private readonly root: string;
  private readonly refused = new Map<string, string>();

  constructor(root = "") {
    this.root = root;
  }

  /** The text of a file without the blanks around it. */
  text(path: string): string | undefined {
    return this.tried(path, (full) => readFileSync(full, "utf8").trim());
  }

  /** A file that holds one number. */
  number(path: string): number | undefined {
    const text = this.text(path);
    return text === undefined || text === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
  }

  /** A kernel setting by its name with dots. */
  setting(name: string): number | undefined {
    return this.number(`/proc/sys/${name.replaceAll(".", "/")}`);
  }

  /** What is in a folder, sorted; nothing where there is none. */
  names(path: string): string[] {
    return this.tried(path, (full) => readdirSync(full).sort()) ?? [];
  }

  has(path: string): boolean {
    return existsSync(this.root + path);
  }

  /** Where a symbolic link leads, its last name alone. */
  target(path: string): string | undefined {
    return this.tried(path, (full) => basename(readlinkSync(full)));
  }

  /** The path itself, links followed. */
  real(path: string): string | undefined {
    return this.tried(path, (full) => realpathSync(full).slice(this.root.length));
  }

  /** What a file is, symbolic links followed. */
  about(path: string): FileFacts | undefined {
    return this.tried(path, (full) => {
      const about = statSync(full);
      return { mode: about.mode & 0o7777, uid: about.uid, isSocket: about.isSocket() };
    });
  }

  /** Why a path that is there could not be read, `EACCES`; undefined when nothing stood in the way. */
  refusal(path: string): string | undefined {
    return this.refused.get(path);
  }

  private tried<T>(path: string, look: (full: string) => T): T | undefined {
    try {
      return look(this.root + path);
    } catch (thrown) {
      const code = codeOf(thrown) ?? "unknown";
      if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EINVAL") {
        this.refused.set(path, code);
      }
      return undefined;
    }
  }
}

/** `0-1,4` as numbers, ascending. */
export function cpuList(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [first = "", last = first] = part.split("-");
    const from = Number(first);
    return first.trim() === "" ? [] : Array.from({ length: Number(last) - from + 1 }, (_, at) => from + at);
  });
}

/** Processors as the kernel's files take them: hexadecimal, 32 a group, the highest first. */
export function cpuMask(cores: readonly number[]): string {
  const groups = Array.from({ length: Math.floor(Math.max(0, ...cores) / 32) + 1 }, () => 0);
  for (const core of cores) {
    const group = Math.floor(core / 32);
    groups[group] = ((groups[group] ?? 0) | (1 << (core % 32))) >>> 0;
  }
  return groups
    .toReversed()
    .map((group, at) => group.toString(16).padStart(at === 0 ? 1 : 8, "0"))
    .join(",");
}
