// On the loopback, which every machine has and nobody configures.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errno } from "../../src/shim/errno.ts";
import { LinkDriver } from "../../src/shim/ethtool.ts";
import { attributeSize } from "../../src/shim/file-attribute.ts";
import { isFailure } from "../../src/shim/socket.ts";

const dir = mkdtempSync(join(tmpdir(), "mcr-ethtool-"));
afterAll(() => rmSync(dir, { recursive: true }));

function driver(link: string): LinkDriver {
  const opened = LinkDriver.open(link);
  if (isFailure(opened)) throw new Error(opened.step);
  return opened;
}

describe("a link's driver", () => {
  test("names its features, and those that it does not let be changed", () => {
    const lo = driver("lo");
    const features = lo.features();
    lo.close();
    if (isFailure(features)) throw new Error(features.step);
    expect(features.size).toBeGreaterThan(40);
    expect(features.get("loopback")).toEqual({ isOn: true, isFixed: true });
    expect(features.get("rx-vlan-hw-parse")).toEqual({ isOn: false, isFixed: true });
    expect(features.get("rx-gro")).toEqual({ isOn: true, isFixed: false });
  });

  test("has no channels when the link is virtual, and nothing at all when there is none", () => {
    const [lo, none] = [driver("lo"), driver("nosuchlink")];
    expect(lo.channels()).toEqual({ step: "ETHTOOL_GCHANNELS", errno: 95 });
    expect(none.features()).toEqual({ step: "ETHTOOL_GSSET_INFO", errno: errno.ENODEV });
    for (const each of [lo, none]) each.close();
  });
});

test("attributes of a file: their size, or the errno that says there is none", () => {
  const path = join(dir, "file");
  writeFileSync(path, "");
  expect(attributeSize(path, "security.capability")).toEqual({ step: "getxattr", errno: 61 });
  expect(attributeSize(join(dir, "nowhere"), "security.capability")).toMatchObject({ errno: errno.ENOENT });
});
