import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessOf, isChange, type Peer, peerOf } from "../../src/control/peers.ts";
import type { Command } from "../../src/control/words.ts";

const policy = { uid: 990, changeGroup: 800, readGroup: 900 };

function peer(changed: Partial<Peer>): Peer {
  return { pid: 1, uid: 5000, gid: 5000, groups: [], ...changed };
}

describe("access", () => {
  test.each([
    ["root changes", { uid: 0 }, "change"],
    ["the supervisor's own user changes", { uid: 990 }, "change"],
    ["a member of mcr changes", { groups: [7, 800] }, "change"],
    ["whose own group is mcr changes", { gid: 800 }, "change"],
    ["a member of the group of readers reads", { groups: [900] }, "read"],
    ["who is in both changes", { groups: [900, 800] }, "change"],
    ["everybody else gets nothing", { groups: [7] }, "none"],
    ["whose user has the number of a group gets nothing", { uid: 800 }, "none"],
  ] as const)("%s", (_, changed, access) => {
    expect(accessOf(peer({ ...changed, groups: [...("groups" in changed ? changed.groups : [])] }), policy)).toBe(
      access,
    );
  });

  test("who cannot be told apart gets nothing, and groups that are not named admit nobody", () => {
    expect(accessOf(undefined, policy)).toBe("none");
    expect(accessOf(peer({ groups: [800, 900] }), { uid: 990 })).toBe("none");
  });
});

test("the kernel says who connected, with all groups", async () => {
  const dir = mkdtempSync(join(tmpdir(), "mcr-peer-"));
  const path = join(dir, "s");
  const { promise, resolve } = Promise.withResolvers<Peer | undefined>();
  const server = createServer((socket) => {
    resolve(peerOf(socket));
    socket.destroy();
  });
  try {
    await new Promise<void>((ready) => server.listen(path, ready));
    const client = connect({ path });
    client.on("error", () => client.destroy());
    expect(await promise).toEqual({
      pid: process.pid,
      uid: process.getuid?.() ?? -1,
      gid: process.getgid?.() ?? -1,
      groups: process.getgroups?.() ?? [],
    });
  } finally {
    server.close();
    rmSync(dir, { recursive: true });
  }
});

test("questions change nothing, and what changes is known to", () => {
  const rule_id = "x";
  const changes: Command[] = [{ RemoveRule: { rule_id } }, { RemoveRuleByName: { name: "x" } }, "ResetLogLevels"];
  const questions: Command[] = ["ListRules", "GetStatus", "Ping", { Explain: { rule: "x" } }];
  expect([...changes, ...questions].filter(isChange)).toEqual(changes);
});
