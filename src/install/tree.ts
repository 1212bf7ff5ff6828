// The file tree that is installed into: what is there, and how it is changed. Paths are those inside `root`. A file is replaced whole
// or not at all, and nothing is written through a link that leads out of the root.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { CryptoHasher } from "bun";
import { codeOf } from "../base/outcome.ts";
import type { Content } from "./files.ts";
import type { Present } from "./plan.ts";

/** A file that is hashed is read in pieces: the executable has a hundred mebibytes. */
const pieceSize = 1024 * 1024;

/** `executable` is the file that "the executable" means. All methods throw what the system refuses. */
export class Tree {
  readonly root: string;
  private readonly executable: string;

  constructor(root: string, executable: string) {
    this.root = root === "/" ? "" : realpathSync(root);
    this.executable = executable;
  }

  /** What stands at `path`, links not followed. */
  present(path: string): Present | undefined {
    const full = this.root + path;
    const about = lstatSync(full, { throwIfNoEntry: false });
    if (about === undefined) {
      return undefined;
    }
    return { hash: about.isFile() ? hashOfFile(full) : undefined, mode: about.mode & 0o7777 };
  }

  /** The hash of what `content` stands for. */
  hashOf(content: Content): string {
    return content.from === "executable"
      ? hashOfFile(this.executable)
      : new CryptoHasher("sha256").update(content.bytes).digest("hex");
  }

  /** Puts `content` at `path`; returns the folders that it had to make, outermost first. */
  put(path: string, mode: number, content: Content): string[] {
    const made = this.makeFolders(dirname(path));
    const full = this.root + path;
    const beside = join(dirname(full), `.${path.slice(path.lastIndexOf("/") + 1)}.new`);
    rmSync(beside, { force: true });
    try {
      if (content.from === "executable") {
        copyFileSync(this.executable, beside);
      } else {
        writeFileSync(beside, content.bytes, { flag: "wx" });
      }
      chmodSync(beside, mode);
      sync(beside);
      // Whoever runs the old file goes on with it.
      renameSync(beside, full);
    } finally {
      rmSync(beside, { force: true });
    }
    return made;
  }

  remove(path: string): void {
    rmSync(this.root + path, { force: true });
  }

  /** Takes away a folder that is empty; one that is not, or is gone, stays as it is. Returns whether it went. */
  removeFolder(path: string): boolean {
    try {
      rmdirSync(this.root + path);
      return true;
    } catch (thrown) {
      if (["ENOTEMPTY", "ENOENT", "ENOTDIR", "EBUSY"].includes(codeOf(thrown) ?? "")) {
        return false;
      }
      throw thrown;
    }
  }

  /** Why nothing can be written at `path`: a link on the way leads out of the root. */
  strays(path: string): string | undefined {
    let folder = dirname(path);
    while (!existsSync(this.root + folder)) {
      folder = dirname(folder);
    }
    const real = realpathSync(this.root + folder);
    return real === this.root || real.startsWith(`${this.root}/`)
      ? undefined
      : `${this.root}${folder} leads to ${real}, out of ${this.root}`;
  }

  private makeFolders(path: string): string[] {
    if (path === "/" || existsSync(this.root + path)) {
      return [];
    }
    const made = this.makeFolders(dirname(path));
    mkdirSync(this.root + path, { mode: 0o755 });
    return [...made, path];
  }
}

function hashOfFile(path: string): string {
  const hasher = new CryptoHasher("sha256");
  const piece = Buffer.alloc(pieceSize);
  const fd = openSync(path, "r");
  try {
    for (let size = readSync(fd, piece); size > 0; size = readSync(fd, piece)) {
      hasher.update(piece.subarray(0, size));
    }
  } finally {
    closeSync(fd);
  }
  return hasher.digest("hex");
}

function sync(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
