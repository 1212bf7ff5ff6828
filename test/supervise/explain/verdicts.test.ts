import { describe, expect, test } from "bun:test";
import type { Verdict } from "../../../src/control/explanation.ts";
import { limits } from "../../../src/limits.ts";
import { type OutputFacts, outputFindings } from "../../../src/supervise/explain/output-verdicts.ts";
import { type InputFacts, inputFindings } from "../../../src/supervise/explain/verdicts.ts";

const never = { count: 0, age: undefined };
const now = { count: 5, age: 0.5 };
const longAgo = { count: 5, age: limits.explainFreshSeconds + 1 };

const healthy: InputFacts = {
  link: { name: "eth0", state: "up" },
  group: "239.1.1.1",
  port: 5000,
  source: undefined,
  disabled: undefined,
  pending: undefined,
  ruleAge: 60,
  workers: { running: 1, all: 1, reason: undefined },
  isJoined: true,
  joins: undefined,
  matched: now,
  other: { ...never, port: 0, source: "0.0.0.0" },
  refused: { ...never, reason: undefined },
  tagged: { ...never, vlan: 0 },
  kernelDrops: never,
};
const verdictsOf = (facts: Partial<InputFacts>) =>
  inputFindings({ ...healthy, ...facts }).map(({ verdict }) => verdict);

describe("of an input", () => {
  test.each<[what: string, facts: Partial<InputFacts>, verdicts: Verdict[]]>([
    ["all is well", {}, []],
    ["its link is missing", { link: { name: "eth0", state: "missing" }, pending: "x" }, ["link_missing"]],
    ["its link is down", { link: { name: "eth0", state: "down" }, pending: "x" }, ["link_down"]],
    ["it waits for something else", { pending: "eth0 cannot be captured: EPERM" }, ["pending"]],
    ["no worker runs", { workers: { running: 0, all: 2, reason: "signal SIGKILL" } }, ["no_worker"]],
    ["its group is not joined", { isJoined: false, matched: never }, ["not_joined"]],
    ["its group is not joined, and a switch floods it", { isJoined: false }, ["not_joined"]],
    [
      "its group is not joined, and what comes is for another port",
      { isJoined: false, matched: never, other: { ...now, port: 6000, source: "10.0.0.1" } },
      ["not_joined", "other_port"],
    ],
    ["it never heard anything", { matched: never }, ["silent"]],
    ["it hears nothing any more", { matched: longAgo }, ["silent"]],
    [
      "it hears, and others send to another port",
      { other: { ...now, port: 6000, source: "10.0.0.1" } },
      ["other_port"],
    ],
    ["old strays beside a stream that flows", { other: { ...longAgo, port: 6000, source: "10.0.0.1" } }, []],
    [
      "old strays and nothing else",
      { matched: never, other: { ...longAgo, port: 6000, source: "10.0.0.1" } },
      ["other_port"],
    ],
    [
      "another source",
      { source: "10.0.0.9", matched: never, other: { ...now, port: 5000, source: "10.0.0.1" } },
      ["other_source"],
    ],
    [
      "what came before the rule did",
      { matched: never, other: { ...now, port: 5000, source: "10.0.0.1" } },
      ["silent"],
    ],
    ["a tag", { matched: never, tagged: { ...now, vlan: 600 } }, ["tagged"]],
    ["a refusal", { matched: never, refused: { ...now, reason: "fragment" } }, ["refused"]],
    [
      "the latest of two comes first",
      { matched: never, tagged: { ...now, vlan: 6 }, refused: { count: 1, age: 0.1, reason: "fragment" } },
      ["refused", "tagged"],
    ],
    ["the kernel drops", { kernelDrops: now }, ["kernel_drops"]],
  ])("%s", (_, facts, verdicts) => {
    expect(verdictsOf(facts)).toEqual(verdicts);
  });

  test("a unicast input joins nothing, and its silence is about routes", () => {
    const [finding] = inputFindings({ ...healthy, isJoined: undefined, matched: never });
    expect(finding?.text).toStartWith("no frame seen in the 60 s since the rule was added");
    expect(finding?.text).toContain("route");
  });
});

const working: OutputFacts = {
  where: "eth1 10.0.0.7:6000",
  link: { name: "eth1", state: "up" },
  pending: undefined,
  sent: now,
  failed: 0,
  refusals: {},
  lastRefusal: undefined,
  dropped: never,
  drops: {},
  nextHop: { address: "10.0.0.7", state: "answered" },
};

test.each([
  [
    "kernel drops",
    inputFindings({ ...healthy, kernelDrops: longAgo }),
    "dropped frames of eth0: the capture ring was full",
  ],
  ["drops", outputFindings({ ...working, dropped: longAgo, drops: { full: 5 } }), "dropped datagrams: 5 because"],
  [
    "a failure",
    outputFindings({ ...working, failed: 2, lastRefusal: { errno: "ENOBUFS", age: 99 } }),
    "the kernel said",
  ],
])("%s of long ago are told as past", (_, findings, text) => {
  expect(findings).toMatchObject([{ is_past: true, text: expect.stringContaining(text) }]);
});

test("what happens now is not past", () => {
  const findings = [
    ...inputFindings({ ...healthy, kernelDrops: now }),
    ...outputFindings({ ...working, dropped: now, drops: { full: 5 } }),
  ];
  expect(findings.map(({ verdict, is_past }) => [verdict, is_past])).toEqual([
    ["kernel_drops", undefined],
    ["output_dropped", undefined],
  ]);
});

describe("of an output", () => {
  test.each<[what: string, facts: Partial<OutputFacts>, verdicts: Verdict[]]>([
    ["all is well", {}, []],
    ["its link is missing", { link: { name: "eth1", state: "missing" }, pending: "x" }, ["output_link_missing"]],
    ["its link is down", { link: { name: "eth1", state: "down" }, pending: "x" }, ["output_link_down"]],
    ["no route", { pending: "no route to 10.0.0.7 through eth1" }, ["output_no_route"]],
    ["no address", { pending: "eth1 has no IPv4 address" }, ["output_pending"]],
    ["no answer to ARP", { nextHop: { address: "10.0.0.7", state: "silent" } }, ["output_no_neighbour"]],
    ["nobody asked yet", { nextHop: { address: "10.0.0.7", state: "unknown" } }, []],
    [
      "the kernel refuses",
      { refusals: { ECONNREFUSED: 1 }, lastRefusal: { errno: "ECONNREFUSED", age: 1 } },
      ["send_failed"],
    ],
    [
      "the kernel refused once, long ago",
      { refusals: { ECONNREFUSED: 1 }, lastRefusal: { errno: "ECONNREFUSED", age: 99 } },
      [],
    ],
    ["a full socket is no failure", { refusals: { EAGAIN: 9 }, lastRefusal: { errno: "EAGAIN", age: 1 } }, []],
    ["what failed stays said", { failed: 2, lastRefusal: { errno: "ENOBUFS", age: 99 } }, ["send_failed"]],
    ["drops", { dropped: now, drops: { full: 3, worker_died: 1 } }, ["output_dropped"]],
    [
      "two things at once",
      { link: { name: "eth1", state: "down" }, dropped: now, drops: { pending: 3 } },
      ["output_link_down", "output_dropped"],
    ],
  ])("%s", (_, facts, verdicts) => {
    expect(outputFindings({ ...working, ...facts }).map(({ verdict }) => verdict)).toEqual(verdicts);
  });

  test("an errno is said in words", () => {
    const [finding] = outputFindings({ ...working, lastRefusal: { errno: "EPERM", age: 0 }, refusals: { EPERM: 3 } });
    expect(finding?.text).toContain("says EPERM: a firewall rule of this machine");
    expect(finding?.evidence).toContainEqual({ name: "refused EPERM", value: 3 });
  });
});
