import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { done } from "../../src/base/outcome.ts";
import { readConfig } from "../../src/config/files.ts";
import { targetInside } from "../../src/config/target.ts";
import { type FileSteps, fileSteps, writeAll } from "../../src/config/write.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "mcr-write-")));
afterAll(() => rmSync(root, { recursive: true }));
let dir = root;
beforeEach(() => {
  dir = mkdtempSync(join(root, "t-"));
  mkdirSync(join(dir, "conf.d"));
});

/** Runs the fixture; its exit code or signal, and what it printed. */
async function saveUntil(step: number, texts: readonly string[]) {
  const script = join(import.meta.dir, "../fixtures/save-until.ts");
  const child = Bun.spawn([process.execPath, script, String(step), ...texts], { stdout: "pipe" });
  const said = await new Response(child.stdout).text();
  await child.exited;
  return { signal: child.signalCode, said: said.trim() };
}

describe("a power cut at any step of a save", () => {
  test("leaves every file as it was or as it was to be, whole, and nothing that conf.d would read", async () => {
    const [main, part] = [join(dir, "mcr.json5"), join(dir, "conf.d/a.json5")];
    const [old, next] = ["{ old: 1 }".repeat(500), "{ next: 2 }".repeat(700)];
    const texts = [main, next, part, next];
    const write = () => [main, part].map((path) => writeFileSync(path, old));
    write();
    const steps = Number((await saveUntil(0, texts)).said);
    expect(steps).toBe(16);
    const seen = new Set<string>();
    for (let step = 1; step <= steps; step++) {
      write();
      expect(await saveUntil(step, texts)).toMatchObject({ signal: "SIGKILL" });
      const { texts: read, problems } = await readConfig(main);
      expect([problems, read.map(({ path }) => path)]).toEqual([[], [main, part]]);
      const versions = read.map(({ text }) => (text === old ? "old" : text === next ? "next" : "torn"));
      seen.add(versions.join());
    }
    // First one file, then the other; never a torn one.
    expect([...seen]).toEqual(["old,old", "next,old", "next,next"]);
    // What lay beside them is gone with the next save.
    expect((await saveUntil(0, texts)).said).toBe(String(steps));
    expect([readdirSync(dir), readdirSync(join(dir, "conf.d"))]).toEqual([["conf.d", "mcr.json5"], ["a.json5"]]);
  });

  test("the cut that is no cut: a writer that writes in place is caught by the same check", async () => {
    const path = join(dir, "mcr.json5");
    writeFileSync(path, "old");
    const inPlace = {
      ...fileSteps,
      create: () => fileSteps.create(`${path}.x`, 0o600),
      rename: async () => writeFileSync(path, "ne"),
    };
    await writeAll([{ path, text: "next" }], inPlace);
    expect(["old", "next"]).not.toContain(readFileSync(path, "utf8"));
  });
});

describe("writing", () => {
  test("keeps mode and links, and says which file could not be written", async () => {
    const [real, link] = [join(dir, "real.json5"), join(dir, "mcr.json5")];
    writeFileSync(real, "old");
    chmodSync(real, 0o604);
    symlinkSync("real.json5", link);
    expect(await writeAll([{ path: link, text: "next" }])).toEqual({ ok: true, value: undefined });
    expect([readFileSync(real, "utf8"), statSync(real).mode & 0o777]).toEqual(["next", 0o604]);
    expect(realpathSync(link)).toBe(real);
    const failed = await writeAll([{ path: join(dir, "none/x.json5"), text: "" }]);
    expect(failed).toMatchObject({ ok: false, error: expect.stringContaining(`${dir}/none/x.json5: ENOENT`) });
  });

  test("a failure on the way leaves the old file, and nothing beside it", async () => {
    const path = join(dir, "mcr.json5");
    writeFileSync(path, "old");
    const write = () => Promise.reject(new Error("ENOSPC: no space left on device"));
    const full: FileSteps = { ...fileSteps, write };
    expect(await writeAll([{ path, text: "next" }], full)).toMatchObject({
      ok: false,
      error: expect.stringContaining("ENOSPC"),
    });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(dir)).toEqual(["conf.d", "mcr.json5"]);
  });
});

describe("a path that came through the control socket", () => {
  test("leads into the folder of the configuration or its conf.d", async () => {
    expect(await targetInside(dir, "x.json5")).toEqual({ ok: true, value: join(dir, "x.json5") });
    expect(await targetInside(dir, join(dir, "conf.d/../conf.d/x.json5"))).toEqual({
      ok: true,
      value: join(dir, "conf.d/x.json5"),
    });
  });

  test("leads nowhere else, by no link, to nothing but a file", async () => {
    const outside = mkdtempSync(join(root, "outside-"));
    symlinkSync(outside, join(dir, "way"));
    symlinkSync("/etc/passwd", join(dir, "link.json5"));
    mkdirSync(join(dir, "folder.json5"));
    for (const path of [
      "/etc/x.json5",
      "../x.json5",
      "way/x.json5",
      "link.json5",
      "folder.json5",
      "x.conf",
      "none/x.json5",
      "a\0.json5",
    ]) {
      expect((await targetInside(dir, path)).ok).toBeFalse();
    }
  });
});

describe("a user who is not root", () => {
  /** May own files, and give them groups of its own alone. */
  const owned: [uid: number, gid: number][] = [];
  const self = process.geteuid?.() ?? 0;
  const stepsIn = (groups: readonly number[]) => ({
    ...fileSteps,
    own: async (_: unknown, uid: number, gid: number) => {
      if (uid !== self || !groups.includes(gid)) throw Object.assign(new Error("EPERM"), { code: "EPERM" });
      owned.push([uid, gid]);
    },
  });
  const fileOf = (uid: number, gid: number, mode: number) => {
    const path = join(dir, "mcr.json5");
    writeFileSync(path, "{}");
    chmodSync(path, mode);
    chownSync(path, uid, gid);
    owned.length = 0;
    return path;
  };

  test("saves a file of another's under its own name, and leaves it its group", async () => {
    const path = fileOf(1234, 5678, 0o640);
    expect(await writeAll([{ path, text: "{ a: 1 }" }], stepsIn([5678]))).toEqual(done(undefined));
    expect([owned, readFileSync(path, "utf8"), statSync(path).mode & 0o777]).toEqual([
      [[self, 5678]],
      "{ a: 1 }",
      0o640,
    ]);
  });

  test("saves a file that everybody may read, whatever its group", async () => {
    const path = fileOf(1234, 0, 0o644);
    expect(await writeAll([{ path, text: "{ a: 1 }" }], stepsIn([5678]))).toEqual(done(undefined));
    expect([owned, readFileSync(path, "utf8")]).toEqual([[], "{ a: 1 }"]);
  });

  test("is told of any other failure to give the file away", async () => {
    const path = fileOf(1234, 0, 0o644);
    const own = () => Promise.reject(Object.assign(new Error("EIO: i/o error"), { code: "EIO" }));
    const { error } = (await writeAll([{ path, text: "{ a: 1 }" }], { ...fileSteps, own })) as { error: string };
    expect([error, readFileSync(path, "utf8")]).toEqual([`${path}: EIO: i/o error`, "{}"]);
  });

  test("takes no file away from a group that alone may read it", async () => {
    const path = fileOf(1234, 99, 0o640);
    const { error } = (await writeAll([{ path, text: "{ a: 1 }" }], stepsIn([5678]))) as { error: string };
    expect(error).toBe(
      `${path}: user ${self} may not give a new file its group (99), which may read or write it: chgrp mcr it, or let root save`,
    );
    expect(readFileSync(path, "utf8")).toBe("{}");
  });
});
