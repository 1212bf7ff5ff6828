import { expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { LinkWatch } from "../../../src/supervise/watch/link-watch.ts";

/** Bells that ring when they are told to, and a relaying that counts. */
function bed() {
  const state = { links: false, changed: false, routes: false, refused: false, rings: 0, looks: 0, settleMs: 0 };
  const links = {
    get rings() {
      return state.rings;
    },
    poll() {
      state.rings += state.links ? 1 : 0;
      const isChanged = state.links && state.changed;
      state.links = false;
      return isChanged;
    },
    pollRoutes() {
      const hasRung = state.routes;
      state.routes = false;
      return hasRung;
    },
  };
  const relaying = {
    get settleMs() {
      return state.settleMs;
    },
    hasRefusals: () => state.refused,
    linksChanged: () => {
      state.looks++;
      return Promise.resolve();
    },
  };
  const watch = new LinkWatch(links, relaying);
  const look = (nowMs: number) => {
    const before = state.looks;
    watch.look(nowMs);
    return state.looks - before;
  };
  return { state, look };
}

test("a bell of links is followed at once, also when the table is as it was", () => {
  const { state, look } = bed();
  expect(look(10)).toBe(0);
  Object.assign(state, { links: true, changed: true, settleMs: 1000 });
  expect(look(20)).toBe(1);
  Object.assign(state, { links: true, changed: false });
  expect([look(30), look(40)]).toEqual([1, 0]);
});

test("changes of routes wait while looking takes more than its share, and are not forgotten", () => {
  const { state, look } = bed();
  state.routes = true;
  expect(look(1000)).toBe(1);
  state.settleMs = 10;
  const againAtMs = 1000 + 10 / limits.routesShareMax;
  state.routes = true;
  expect([look(againAtMs - 1), look(againAtMs), look(againAtMs + 1)]).toEqual([0, 1, 0]);
});

test("what was refused is tried again once a period", () => {
  const { state, look } = bed();
  look(0);
  state.refused = true;
  const period = limits.refusalRetryMs;
  expect([look(1), look(period), look(period + 1), look(2 * period)]).toEqual([0, 1, 0, 1]);
});
