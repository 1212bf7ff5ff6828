// Rules in the words of a multicast routing table.
import { expect, test } from "bun:test";
import { makeRule } from "../../../src/rules/schema.ts";
import { routesOf } from "../../../src/supervise/watch/routes.ts";

const output = (port: number, link: string) => ({ group: "239.2.2.2", port, interface: link });
const draft = { input_interface: "eth0", input_group: "239.1.1.1", input_port: 5000, input_protocol: 17 };

test("a rule is an entry (*,G), one with a source (S,G); outputs on one link are one interface", () => {
  const any = makeRule({ ...draft, outputs: [output(1, "eth1"), output(2, "eth1"), output(3, "eth2")] }, "Static");
  const one = makeRule({ ...draft, input_source: "10.0.0.9", outputs: [] }, "Dynamic");
  const lives = [
    { rule: any, sinceMs: 1000 },
    { rule: one, sinceMs: 5000 },
  ];
  expect(routesOf(lives, 13_999)).toEqual([
    {
      ...{ source: null, group: "239.1.1.1", input_interface: "eth0", output_interfaces: ["eth1", "eth2"] },
      ...{ entry_type: "StarG", age_secs: 12 },
    },
    {
      ...{ source: "10.0.0.9", group: "239.1.1.1", input_interface: "eth0", output_interfaces: [] },
      ...{ entry_type: "SG", age_secs: 8 },
    },
  ]);
});
