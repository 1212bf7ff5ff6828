// The configuration lies on a disk without a byte to spare, a small one in a mount namespace of the supervisor.
import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Relay } from "../helpers/relay.ts";
import { statusOf } from "../helpers/status.ts";
import { bench } from "../helpers/traffic.ts";

const lab = bench("full-disk");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const ruleOf = (name: string, port: number) => ({
  name,
  input: { interface: "in0", group: "10.9.9.9", port },
  outputs: [{ group: "239.2.2.2", port, interface: "out0" }],
});
const namesOf = async (relay: Relay) => (await statusOf(relay)).rules.map(({ name }) => name).sort();

test("on a full disk a save is refused with its reason, the old file stays whole, and a reload still runs it", async () => {
  const disk = join(lab.dir, "disk");
  mkdirSync(disk);
  const old = `// old\n${JSON.stringify({ rules: [ruleOf("kept", 5000)] })}\n`;
  writeFileSync(join(lab.dir, "old.json5"), old);
  const full = 'mount -t tmpfs -o size=64k none "$0" && cp "$0/../old.json5" "$0/mcr.json5" && exec "$@"';
  const relay = await Relay.start(
    lab,
    "relay",
    ["--workers", "1", "--spare", "off", "--config", join(disk, "mcr.json5")],
    { under: ["unshare", "--mount", "sh", "-ec", full, disk] },
  );
  const seen = join(`/proc/${relay.pid}/root`, disk);
  expect(() => writeFileSync(join(seen, "filler"), Buffer.alloc(1 << 20))).toThrow("ENOSPC");
  // More than the file's own page could take.
  const added = Array.from({ length: 40 }, (_, index) => ruleOf(`added-${index}`, 6000 + index));
  for (const { input, ...rest } of added) {
    const rule = { ...rest, input_interface: input.interface, input_group: input.group, input_port: input.port };
    await relay.must({ AddRule: rule });
  }

  const refused = await relay.tryCtl("config", "save");
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toMatch(/mcr\.json5: ENOSPC/);
  expect(readFileSync(join(seen, "mcr.json5"), "utf8")).toBe(old);
  expect(readdirSync(seen).sort()).toEqual(["filler", "mcr.json5"]);
  expect(await namesOf(relay)).toHaveLength(1 + added.length);

  // It writes nothing, so the disk is none of its business.
  expect((await relay.tryCtl("reload")).exitCode).toBe(0);
  expect(await namesOf(relay)).toContain("kept");

  rmSync(join(seen, "filler"));
  expect((await relay.tryCtl("config", "save")).exitCode).toBe(0);
  expect(readdirSync(seen)).toEqual(["mcr.json5"]);
});
