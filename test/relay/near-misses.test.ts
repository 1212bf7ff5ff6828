import { expect, test } from "bun:test";
import { Capture } from "../../src/relay/capture.ts";
import { counterCount, refusal, ruleField, ruleFirst, ruleSize } from "../../src/relay/counters.ts";
import { MatchTable } from "../../src/relay/match.ts";
import { noteOther, noteRefused } from "../../src/relay/near-misses.ts";
import { Datagram } from "../../src/relay/parse.ts";
import { exactly } from "../helpers/match-rule.ts";
import { KernelRing } from "../helpers/ring-lab.ts";

const [wanted, unwanted] = [0x010101ef, 0x020202ef];

function lab() {
  const counters = new Float64Array(counterCount);
  const capture = new Capture(1, 7, new KernelRing(8).region, 0, 0);
  const rule = { serial: 1, counter: 4, destinationWord: wanted, portAndProtocol: (17 << 16) | 5000, sourceWord: 0 };
  capture.rules = new MatchTable([exactly(rule)]);
  const of = (field: keyof typeof ruleField) => counters[ruleFirst + 4 * ruleSize + ruleField[field]];
  return { counters, capture, of };
}

function datagramTo(destinationWord: number, port: number): Datagram {
  return Object.assign(new Datagram(), { destinationWord, portAndProtocol: (17 << 16) | port, sourceWord: 9 });
}

test("a datagram for a wanted group and another port is kept with what it showed", () => {
  const { counters, capture, of } = lab();
  noteOther(counters, capture, datagramTo(wanted, 6000), 50);
  noteOther(counters, capture, datagramTo(wanted, 7000), 60);
  noteOther(counters, capture, datagramTo(unwanted, 8000), 70);
  expect([of("otherFrames"), (of("otherPort") ?? 0) & 0xffff, of("otherSource"), of("otherNs")]).toEqual([
    2, 7000, 9, 60,
  ]);
});

test("a refused frame is kept by its reason, a tagged one by its VLAN", () => {
  const { counters, capture, of } = lab();
  noteRefused(counters, capture, wanted, refusal.fragment, 0, 50);
  noteRefused(counters, capture, wanted, refusal.vlan, 600, 60);
  noteRefused(counters, capture, unwanted, refusal.fragment, 0, 70);
  noteRefused(counters, capture, 0, refusal.not_ipv4, 0, 80);
  expect([of("refused"), of("refusedReason"), of("refusedNs")]).toEqual([1, refusal.fragment, 50]);
  expect([of("tagged"), of("taggedVlan"), of("taggedNs")]).toEqual([1, 600, 60]);
});
