import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { judgeTexts } from "../../src/config/load.ts";
import { type FirstRule, firstFile } from "../../src/ctl/init/first-file.ts";
import { findLinks, type Guess, guess } from "../../src/ctl/init/links.ts";
import { askRule } from "../../src/ctl/init/questions.ts";
import { linkNameProblem } from "../../src/rules/fields.ts";

/** A machine with these links (name, flags, operstate) and this /proc/net/route. */
function machine(links: readonly (readonly [string, string, string])[], routes = ""): string {
  const root = mkdtempSync(join(tmpdir(), "mcr-init-"));
  for (const [name, flags, state] of links) {
    mkdirSync(join(root, "sys/class/net", name), { recursive: true });
    writeFileSync(join(root, "sys/class/net", name, "flags"), `${flags}\n`);
    writeFileSync(join(root, "sys/class/net", name, "operstate"), `${state}\n`);
  }
  mkdirSync(join(root, "proc/net"), { recursive: true });
  writeFileSync(join(root, "proc/net/route"), `Iface\tDestination\tGateway\tFlags\n${routes}`);
  return root;
}

function guessed(root: string, wish: Partial<Guess> = {}) {
  const links = findLinks(root);
  const found = guess(links, { input: undefined, output: undefined, ...wish }, root);
  rmSync(root, { recursive: true });
  return { links: links.map(({ name, isUp }) => [name, isUp]), ...found };
}

const route = (link: string, destination: string, mask: string) =>
  `${link}\t${destination}\t0109010A\t0003\t0\t0\t0\t${mask}\t0\t0\t0\n`;

describe("what init finds", () => {
  test("links that are up come first, in the order that people count, and loopback is none", () => {
    expect(
      guessed(
        machine([
          ["lo", "0x9", "unknown"],
          ["eth10", "0x1003", "up"],
          ["eth2", "0x1003", "up"],
          ["eth1", "0x1002", "down"],
          ["eth0", "0x1003", "down"],
          ["tun0", "0x10c1", "unknown"],
        ]),
      ),
    ).toMatchObject({
      links: [
        ["eth2", true],
        ["eth10", true],
        ["tun0", true],
        ["eth0", false],
        ["eth1", false],
      ],
      input: "eth2",
      output: "eth10",
    });
  });

  test("the link of the default route is where datagrams leave", () => {
    const links = [
      ["eth0", "0x1003", "up"],
      ["eth1", "0x1003", "up"],
    ] as const;
    const routes = route("eth1", "0001000A", "00FFFFFF") + route("eth0", "00000000", "00000000");
    expect(guessed(machine(links, routes))).toMatchObject({ input: "eth1", output: "eth0" });
    expect(guessed(machine(links, route("ppp0", "00000000", "00000000")))).toMatchObject({
      input: "eth0",
      output: "eth1",
    });
  });

  test("what was named is not guessed, and the other side is another link", () => {
    const links = ["eth0", "eth1", "eth2"].map((name) => [name, "0x1003", "up"] as const);
    const routes = route("eth1", "00000000", "00000000");
    expect(guessed(machine(links, routes), { input: "eth1" })).toMatchObject({ input: "eth1", output: "eth0" });
    expect(guessed(machine(links, routes), { output: "eth0" })).toMatchObject({ input: "eth1", output: "eth0" });
    expect(guessed(machine(links), { input: "eth2" })).toMatchObject({ input: "eth2", output: "eth0" });
    expect(guessed(machine(links), { input: "later" })).toMatchObject({ input: "later", output: "eth0" });
  });

  test("one link, or none, leaves the rest open", () => {
    expect(guessed(machine([["eth0", "0x1003", "up"]]))).toMatchObject({ input: "eth0", output: undefined });
    expect(guessed(machine([]))).toMatchObject({ input: undefined, output: undefined, links: [] });
    const alone = machine([["eth0", "0x1003", "up"]], route("eth0", "00000000", "00000000"));
    expect(guessed(alone)).toMatchObject({ input: undefined, output: "eth0" });
  });
});

describe("what init asks", () => {
  const links = [
    { name: "eth0", isUp: true },
    { name: "eth1", isUp: false },
  ];

  /** The rule that these answers make, and all that was asked. */
  async function answered(...answers: string[]) {
    const questions: string[] = [];
    const rule = await askRule(
      async (question) => {
        questions.push(question);
        return answers.shift();
      },
      links,
      { input: "eth0", output: "eth1" },
    );
    return { rule, questions };
  }

  test("takes empty lines for what stands in brackets", async () => {
    const { rule, questions } = await answered("", "", "", "", "", "");
    expect(rule).toEqual({
      input: { interface: "eth0", group: "239.1.1.1", port: 5000 },
      output: { interface: "eth1", group: "239.2.2.2", port: 5001 },
      isExample: false,
    });
    expect(questions).toEqual([
      "Interfaces here: eth0, eth1 (down)\nDatagrams arrive on interface [eth0]: ",
      "  for group or address [239.1.1.1]: ",
      "  and port [5000]: ",
      "They leave on interface [eth1]: ",
      "  for group or address [239.2.2.2]: ",
      "  and port [5001]: ",
    ]);
  });

  test("asks again, and says why, until the answer fits", async () => {
    const { rule, questions } = await answered(
      "eth1",
      "300.1.1.1",
      "239.5.5.5",
      "0",
      "x",
      "7",
      "eth1",
      "",
      "",
      "",
      "10.0.0.1",
      "",
    );
    expect(rule).toMatchObject({
      input: { interface: "eth1", group: "239.5.5.5", port: 7 },
      output: { interface: "eth0" },
    });
    expect(rule?.output.group).toBe("10.0.0.1");
    expect(questions[2]).toStartWith("  it must be an IPv4 address, multicast or unicast");
    expect(questions[4]).toContain("must be a port from 1 to 65535");
    expect(questions[5]).toContain("must be a port from 1 to 65535");
    expect(questions[9]).toStartWith("It must be another interface");
  });

  test("gives up when no more answers come, wherever that is", async () => {
    for (let count = 0; count < 6; count++) {
      expect((await answered(...Array.from({ length: count }, () => ""))).rule).toBeUndefined();
    }
  });
});

test("a first file is right whatever the links are called, and says just that rule", () => {
  const link = fc
    .string({ minLength: 1, maxLength: 15, unit: "binary" })
    .filter((name) => linkNameProblem(name) === undefined);
  const group = fc.constantFrom("239.1.1.1", "10.0.0.9");
  const side = (name: fc.Arbitrary<string>) =>
    fc.record({ interface: name, group, port: fc.integer({ min: 1, max: 65_535 }) });
  fc.assert(
    fc.property(side(link), side(link), fc.boolean(), (input, output, isExample) => {
      fc.pre(input.interface !== output.interface);
      const rule: FirstRule = { input, output, isExample };
      const { loaded, problems } = judgeTexts([{ path: "f", text: firstFile("/etc/mcr/mcr.json5", rule) }]);
      expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
      expect(loaded?.rules).toMatchObject([
        {
          input_interface: input.interface,
          input_port: input.port,
          outputs: [output],
          ...(isExample ? { enabled: false } : {}),
        },
      ]);
    }),
    { seed: 20_260_101, numRuns: 100 },
  );
});
