// The captured links, on links of a namespace; workers are played.
import { afterAll, expect, test } from "bun:test";
import { isFailure } from "../../../src/shim/socket.ts";
import { Captures } from "../../../src/supervise/capture/captures.ts";
import { type Link, Links } from "../../../src/supervise/kernel/links.ts";
import type { Workers } from "../../../src/supervise/workers/workers.ts";
import { inside } from "../../helpers/enter.ts";
import { Lab } from "../../helpers/namespaces.ts";

const lab = Lab.create("captures");
afterAll(() => lab.close());

const create = () => lab.veth({ ns: "gen", link: "g0" }, { ns: "relay", link: "r0" });

function tableNow(): ReadonlyMap<string, Link> {
  const links = inside(lab.ns("relay"), () => Links.open());
  if (isFailure(links)) throw new Error(`no links: ${links.step}`);
  const table = links.table();
  links.close();
  return table;
}

function open(captures: Captures, table: ReadonlyMap<string, Link>) {
  const link = table.get("r0");
  const captured = link && inside(lab.ns("relay"), () => captures.open(link));
  if (captured === undefined || typeof captured === "string") throw new Error(`not captured: ${captured}`);
  return captured;
}

test("a link that is asked for under a new index, before anybody looked what is gone, leaves the capture of the old one to be ended", async () => {
  const dropped: unknown[] = [];
  const workers = {
    places: [{ index: 0 }],
    pages: [],
    give: () => undefined,
    order: (order: unknown) => Promise.resolve(void dropped.push(order)),
  };
  const captures = new Captures(() => workers as unknown as Workers);
  const sockets = () => lab.read("relay", "/proc/net/packet").trim().split("\n").length - 1;
  create();
  const first = open(captures, tableNow());
  lab.ip("relay", "link del r0");
  create();
  const table = tableNow();
  const second = open(captures, table);
  expect(second.link.index).not.toBe(first.link.index);
  expect(second.counter).not.toBe(first.counter);
  expect(captures.takeGone(table)).toEqual([{ captured: first, isDead: true }]);
  expect(captures.takeGone(table)).toEqual([]);
  expect(captures.list()).toEqual([second]);
  await captures.drop(first);
  expect(dropped).toEqual([{ kind: "DropCapture", capture: first.serial }]);
  expect(captures.list()).toEqual([second]);
  expect(sockets()).toBe(1);
  await captures.drop(second);
  expect(sockets()).toBe(0);
});
