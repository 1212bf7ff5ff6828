import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/base/ipv4.ts";
import { isFailure } from "../../../src/shim/socket.ts";
import { Links } from "../../../src/supervise/kernel/links.ts";
import { inside } from "../../helpers/enter.ts";
import { Lab } from "../../helpers/namespaces.ts";

const lab = Lab.create("links");
let links: Links;

beforeAll(() => {
  lab.veth({ ns: "far", link: "f0" }, { ns: "relay", link: "r0", address: "10.0.1.2/24" });
  const opened = inside(lab.ns("relay"), () => Links.open());
  if (isFailure(opened)) throw new Error(`no links: ${opened.step}`);
  links = opened;
});
afterAll(async () => {
  links.close();
  await lab.close();
});

const address = (text: string) => parseIpv4(text) ?? 0;

test("the table holds loopback and links with their addresses", () => {
  expect(links.table().get("lo")).toMatchObject({ index: 1, isLoopback: true, isUp: true, macType: 772 });
  expect(links.table().get("r0")).toMatchObject({
    name: "r0",
    kind: "veth",
    isUp: true,
    isLoopback: false,
    mtu: 1500,
    masterIndex: 0,
    macType: 1,
    addresses: [{ address: address("10.0.1.2"), prefix: 24 }],
  });
});

test("when nothing happened, poll says so and the table is the same object", () => {
  const table = links.table();
  expect(links.poll()).toBe(false);
  expect(links.table()).toBe(table);
});

test("an address, the MTU, the state: each change rings once and is in the table", () => {
  lab.ip("relay", "addr add 10.0.7.1/30 dev r0");
  expect(links.poll()).toBe(true);
  expect(links.table().get("r0")?.addresses).toContainEqual({ address: address("10.0.7.1"), prefix: 30 });
  expect(links.poll()).toBe(false);
  lab.ip("relay", "link set r0 mtu 9000");
  expect(links.poll()).toBe(true);
  expect(links.table().get("r0")?.mtu).toBe(9000);
  lab.ip("relay", "link set r0 down");
  expect(links.poll()).toBe(true);
  expect(links.table().get("r0")?.isUp).toBe(false);
  lab.ip("relay", "link set r0 mtu 1500 up");
  lab.ip("relay", "addr del 10.0.7.1/30 dev r0");
});

test("a link without carrier is not up", async () => {
  lab.ip("far", "link set f0 down");
  const start = performance.now();
  // The kernel looks after carriers up to a second later (net/core/link_watch.c).
  while (links.table().get("r0")?.isUp !== false && performance.now() - start < 5000) {
    links.poll();
    await Bun.sleep(10);
  }
  expect(links.table().get("r0")?.isUp).toBe(false);
  lab.ip("far", "link set f0 up");
});

test("links come, get a master, another name, and go", () => {
  lab.ip("relay", "link add name br0 type bridge");
  lab.ip("relay", "link add name p0 type veth peer name p1");
  lab.ip("relay", "link set p0 master br0");
  expect(links.poll()).toBe(true);
  expect(links.table().get("p0")?.masterIndex).toBe(links.table().get("br0")?.index ?? -1);
  lab.ip("relay", "link set p0 name q0");
  expect(links.poll()).toBe(true);
  expect([links.table().has("p0"), links.table().has("q0")]).toEqual([false, true]);
  lab.ip("relay", "link del q0");
  lab.ip("relay", "link del br0");
  expect(links.poll()).toBe(true);
  expect([...links.table().keys()].sort()).toEqual(["lo", "r0"]);
});

test("hundreds of links that come while the table is read, and overrun the bell, are all in it at the end", async () => {
  lab.ns("many");
  const many = inside(lab.ns("many"), () => Links.open());
  if (isFailure(many)) throw new Error(`no links: ${many.step}`);
  const commands = Array.from({ length: 200 }, (_, at) => `link add name x${at} type veth peer name y${at}`);
  const adding = lab.spawn("many", ["ip", "-batch", "-"]);
  adding.write(commands.join("\n"));
  adding.closeInput();
  let changes = 0;
  while (adding.isUp) {
    if (many.poll()) changes++;
    await Bun.sleep(1);
  }
  await adding.succeed();
  many.poll();
  expect(many.readFailure).toBeUndefined();
  expect([many.table().size, changes > 0, many.poll()]).toEqual([401, true, false]);
  many.close();
});

test("routes ring a bell of their own, and are asked for by address and link", () => {
  links.poll();
  links.pollRoutes();
  const r0 = links.table().get("r0")?.index ?? 0;
  expect([links.hasRoute(address("10.0.1.9"), r0), links.hasRoute(address("10.9.9.9"), r0)]).toEqual([true, false]);
  lab.ip("relay", "route add 10.9.9.0/24 via 10.0.1.1 dev r0");
  expect([links.poll(), links.pollRoutes(), links.pollRoutes()]).toEqual([false, true, false]);
  expect([links.hasRoute(address("10.9.9.9"), r0), links.hasRoute(address("10.9.9.9"), 1)]).toEqual([true, false]);
  lab.ip("relay", "route add unreachable 10.8.0.0/16");
  expect(links.hasRoute(address("10.8.0.1"), r0)).toBe(false);
  expect(links.hasRoute(address("127.0.0.1"), 1)).toBe(true);
});
