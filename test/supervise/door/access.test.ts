import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessPolicy } from "../../../src/supervise/door/access.ts";

const dir = mkdtempSync(join(tmpdir(), "mcr-access-"));
const path = join(dir, "group");
writeFileSync(path, "root:x:0:\nmcr:x:990:alice\nwatchers:x:991:bob,carol\nbroken\n");
afterAll(() => rmSync(dir, { recursive: true }));

test("groups become numbers; mcr changes without being named", () => {
  expect(accessPolicy(0, "watchers", path)).toEqual({ ok: true, value: { uid: 0, changeGroup: 990, readGroup: 991 } });
  expect(accessPolicy(7, undefined, path)).toEqual({ ok: true, value: { uid: 7, changeGroup: 990 } });
});

test("a group that does not exist is refused with its name and the cure", () => {
  const refused = accessPolicy(0, "nosuch", path);
  expect(refused).toMatchObject({ ok: false, error: expect.stringMatching(/nosuch.*groupadd/) });
});

test("a machine without the file has no groups", () => {
  expect(accessPolicy(0, undefined, join(dir, "none"))).toEqual({ ok: true, value: { uid: 0 } });
  expect(accessPolicy(0, "watchers", join(dir, "none"))).toMatchObject({ ok: false });
});
