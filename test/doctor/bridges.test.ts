import { expect, test } from "bun:test";
import { type BridgeFacts, judgeBridge } from "../../src/doctor/bridges.ts";

const deaf = { bridge: "br0", isSnooping: true, isQuerier: false, hasQuerier: false };
const severityOf = (changes: Partial<BridgeFacts>) => judgeBridge({ ...deaf, ...changes })[0]?.severity;

test("a bridge that snoops needs somebody who asks: itself, or another", () => {
  expect(severityOf({ isQuerier: true })).toBe("fine");
  expect(severityOf({ hasQuerier: true })).toBe("fine");
  expect(severityOf({ isSnooping: false })).toBe("fine");
  expect(judgeBridge(deaf)[0]).toMatchObject({
    severity: "warning",
    link: "br0",
    commands: [{ run: ["ip", "link", "set", "br0", "type", "bridge", "mcast_querier", "1"] }],
  });
});

test("where the kernel does not say whether another asks, it is a note", () => {
  expect(severityOf({ hasQuerier: undefined })).toBe("note");
});
