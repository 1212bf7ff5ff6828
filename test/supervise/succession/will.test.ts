// What one version leaves to the next: read back as it was, or refused with the place that is not understood.
import { expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { descriptorsOf, readWill, type Will, writeWill } from "../../../src/supervise/succession/will.ts";

const rule = {
  ...{ rule_id: "a", input_interface: "in0", input_group: "239.1.1.1", input_port: 5000, input_protocol: 17 },
  outputs: [{ group: "239.2.2.2", port: 6000, interface: "out0" }],
  source: "Dynamic" as const,
};
const plan = { rules: [{ after: rule, fields: [] }], settings: [], unchanged: 0 };
const version = { how: "start" as const, number: 1, timeMs: 5, setup: { rules: [rule], settings: {} }, plan };
const socket = { slotSize: 2048, blockSize: 4096, blockCount: 2, slotCount: 4, ringSize: 8192, fanoutId: 7 };

/** One of everything. */
const will: Omit<Will, "format"> = {
  ...{ version: "1.2.3", layout: "{}", hasOwnIpc: true, startedMs: 17, role: "standby", client: 40 },
  levels: { global: "Info", overrides: { Egress: "Debug" } },
  socket: { fd: 10, identity: "1:2" },
  places: [
    {
      ...{ core: 1, page: 11, restarts: 2, stalls: 1, repairs: 0 },
      worker: { pid: 99, door: 12, request: 13, ingress: 14, egress: 15, log: 16 },
    },
    { core: 2, page: 17, restarts: 0, stalls: 0, repairs: 0 },
  ],
  captures: {
    serial: 3,
    links: [{ serial: 3, counter: 0, name: "in0", index: 4, sockets: [{ fd: 18, ...socket }] }],
    drops: { links: [["in0", 5]], places: [5, 0] },
  },
  rules: {
    ...{ serial: 8, outputId: 9, multicastTtl: 4 },
    lives: [
      { rule, serial: 8, counter: 0, ageMs: 1.5, outputs: [{ counter: 2, id: 9, fd: 19, madeFrom: "[]", ttl: 4 }] },
    ],
  },
  memberships: [{ fd: 20, held: [{ linkIndex: 4, group: 0xef010101, source: 0 }] }],
  ending: { fds: [21], counts: [{ serial: 8, datagrams: 3, bytes: 300, ended: 3 }] },
  rejoin: [{ link: "in0", reports: 6, failed: 0 }],
  configuration: {
    ...{ settings: {}, texts: [{ path: "/etc/mcr.json5", text: "{}" }], lastVersion: 1, versions: [version] },
    awaited: { number: 1, untilMs: 99 },
  },
};

test("a will is read as it was written, and its blanks do not matter", () => {
  expect(readWill(`${writeWill(will)}  \n`)).toEqual({ format: 1, ...will });
});

test("every descriptor is kept: one that were forgotten would be closed with the old program", () => {
  expect(descriptorsOf(will).toSorted((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 40]);
});

test.each<[what: string, text: string, why: RegExp]>([
  ["of another format", JSON.stringify({ format: 2, ...will }), /^format: /],
  ["with a part missing", JSON.stringify({ format: 1, ...will, rules: undefined }), /^rules: /],
  [
    "with a rule that is none",
    writeWill(will).replace("239.1.1.1", "239.1.1"),
    /^rules\.lives\.0\.rule\.input_group: /,
  ],
  ["that would close standard error", writeWill(will).replace('"page":17', '"page":2'), /^places\.1\.page: /],
  ["torn", writeWill(will).slice(0, 100), /no JSON/],
  ["endless", " ".repeat(limits.willSizeMax + 1), /larger than/],
])("one %s is refused with the place", (_, text, why) => {
  expect(readWill(text)).toEqual({ refused: expect.stringMatching(why) });
});

test("one that is too long loses old versions of the configuration, and nothing else", () => {
  const long = { ...version, timeMs: 4, plan: { ...plan, settings: [{ field: "x".repeat(limits.willSizeMax) }] } };
  const configuration = { ...will.configuration, versions: [long, version] };
  expect(readWill(writeWill({ ...will, configuration }))).toEqual({ format: 1, ...will });
});
