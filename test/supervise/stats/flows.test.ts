import { expect, test } from "bun:test";
import { makeRule } from "../../../src/rules/schema.ts";
import { Flows } from "../../../src/supervise/stats/flows.ts";

function live(counter: number, link: string, port: number) {
  const draft = { input_interface: link, input_group: "239.1.1.1", input_port: port, input_protocol: 17, outputs: [] };
  return { rule: makeRule(draft, "Dynamic"), counter };
}

test("rules of one group and port on two links are one flow, and another port is another", () => {
  const lives = [live(1, "eth0", 5000), live(2, "eth1", 5000), live(3, "eth0", 6000)];
  const book = new Flows();
  const countersOf = (counter: number) => ({
    datagrams: counter,
    bytes: counter * 100,
    perSecond: { datagrams: counter * 10, bytes: counter * 1000 },
  });
  const flows = book.list(lives, countersOf);
  const flow = { input_group: "239.1.1.1", input_protocol: 17 };
  expect(flows).toEqual([
    {
      ...flow,
      input_port: 5000,
      packets_relayed: 3,
      bytes_relayed: 300,
      packets_per_second: 30,
      bits_per_second: 24_000,
    },
    {
      ...flow,
      input_port: 6000,
      packets_relayed: 3,
      bytes_relayed: 300,
      packets_per_second: 30,
      bits_per_second: 24_000,
    },
  ]);
  // Counters go on, and other rules are other flows.
  expect(book.list(lives, (counter) => countersOf(2 * counter)).map((each) => each.packets_relayed)).toEqual([6, 6]);
  expect(book.list(lives.slice(2), countersOf)).toEqual(flows.slice(1));
});
