// Where a file may be written for whom.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { targetAnywhere, targetInside } from "../../src/config/target.ts";

const top = realpathSync(mkdtempSync(join(tmpdir(), "mcr-target-")));
const folder = join(top, "mcr");
mkdirSync(join(folder, "conf.d"), { recursive: true });
mkdirSync(join(folder, "folder.json5"));
writeFileSync(join(folder, "mcr.json5"), "{}");
symlinkSync(join(top, "elsewhere.json5"), join(folder, "link.json5"));
afterAll(() => rmSync(top, { recursive: true }));

describe("somebody who has fewer rights than the supervisor", () => {
  test.each(["mcr.json5", "new.json5", "conf.d/new.json5", join(folder, "new.json5")])(
    "may have %s written",
    async (wanted) => {
      expect(await targetInside(folder, wanted)).toEqual({ ok: true, value: expect.stringContaining(folder) });
    },
  );

  test.each([
    "/tmp/outside.json5",
    "../outside.json5",
    "mcr.txt",
    "conf.d/../../x.json5",
    "link.json5",
    "folder.json5",
    "no/x.json5",
  ])("may not have %s written", async (wanted) => {
    expect(await targetInside(folder, wanted)).toMatchObject({
      ok: false,
      error: expect.stringContaining("may not be written"),
    });
  });
});

describe("somebody who could write it without us", () => {
  test("may have any file written, whatever its name", async () => {
    expect(await targetAnywhere(folder, join(top, "out.txt"))).toEqual({ ok: true, value: join(top, "out.txt") });
    expect(await targetAnywhere(folder, "new.json5")).toEqual({ ok: true, value: join(folder, "new.json5") });
  });

  test.each(["link.json5", "folder.json5", "/nosuch/x.json5", "/dev/null"])(
    "but not %s, which is no file",
    async (wanted) => {
      expect(await targetAnywhere(folder, wanted)).toMatchObject({ ok: false });
    },
  );
});
