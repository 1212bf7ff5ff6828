import { describe, expect, test } from "bun:test";
import { parse } from "../../src/ctl/arguments.ts";
import type { Given, Verb } from "../../src/ctl/verb.ts";
import { type About, genAbout, sinkAbout } from "../../src/traffic/options.ts";
import { genSettings, sinkSettings } from "../../src/traffic/settings.ts";

function givenOf(about: About, line: string): Given {
  const verb: Verb = { ...about, chapter: "Test", usesSocket: false, run: async () => 0 };
  const parsed = parse([about.name, ...line.split(" ").filter(Boolean)], [verb]);
  if (!parsed.ok || parsed.value.kind !== "verb") throw new Error(parsed.ok ? parsed.value.kind : parsed.error);
  return parsed.value.given;
}

const gen = (line: string) => genSettings(givenOf(genAbout, `--group 239.1.1.1 --port 5000 --interface eth0 ${line}`));
const sink = (line: string) => sinkSettings(givenOf(sinkAbout, line));

describe("gen", () => {
  test("has defaults for all but where to", () => {
    expect(gen("")).toMatchObject({
      ok: true,
      value: { rate: 1000, size: { low: 1024, high: 1024 }, gso: 1, burst: 1 },
    });
  });

  test("reads quantities, ranges and max", () => {
    expect(gen("--rate 1.5k --size 0-1472")).toMatchObject({ value: { rate: 1500, size: { low: 0, high: 1472 } } });
    expect(gen("--rate max")).toMatchObject({ value: { rate: 0 } });
    expect(gen("--bitrate 8M --size 1000")).toMatchObject({ value: { rate: 1000 } });
  });

  test("spreads flows over ports or groups", () => {
    expect(gen("--flows 2")).toMatchObject({ value: { targets: [{ port: 5000 }, { port: 5001 }] } });
    const groups = { value: { targets: [{ group: 0xef010101 }, { group: 0xef010102 }] } };
    expect(gen("--flows 2 --flow-step group")).toMatchObject(groups);
  });

  for (const [line, error] of [
    ["--rate 0", "--rate"],
    ["--rate -5", "--rate"],
    ["--rate 5 --bitrate 5", "--rate and --bitrate"],
    ["--size 65508", "--size"],
    ["--size 9-3", "--size"],
    ["--size 1e3", "--size"],
    ["--bitrate 5M --size 0", "--bitrate"],
    ["--gso 65", "--gso"],
    ["--gso 4 --size 0-9", "--gso"],
    ["--gso 64 --size 1400", "--gso"],
    ["--ttl 0", "--ttl"],
    ["--count 1.5", "--count"],
    ["--duration 0", "--duration"],
    ["--flows 1001", "--flows"],
    ["--flow-step both", "--flow-step"],
    ["--source-ip eth0", "--source-ip"],
  ] as const) {
    test(`refuses ${line} and names the option`, () => {
      const spaced = line.replace("--rate -5", "--rate=-5");
      expect(gen(spaced)).toMatchObject({ ok: false, error: expect.stringContaining(error) });
    });
  }

  test("refuses ports beyond the last and groups beyond multicast", () => {
    const beyond = (line: string) => genSettings(givenOf(genAbout, `--interface eth0 ${line}`));
    expect(beyond("--group 239.1.1.1 --port 65535 --flows 2")).toMatchObject({ ok: false });
    expect(beyond("--group 239.255.255.255 --port 1 --flows 2 --flow-step group")).toMatchObject({ ok: false });
  });

  test("needs a link for a group, and none for a host", () => {
    const bare = (group: string) => genSettings(givenOf(genAbout, `--group ${group} --port 5000`));
    expect(bare("239.1.1.1")).toMatchObject({ ok: false, error: expect.stringContaining("--interface") });
    expect(bare("10.0.0.1")).toMatchObject({ ok: true });
  });
});

describe("sink", () => {
  test("hears every group, each on its port or the common one", () => {
    const settings = sink("--group 239.1.1.1 --group 239.1.1.2:6000 --port 5000 --interface eth0");
    const targets = [
      { group: 0xef010101, port: 5000 },
      { group: 0xef010102, port: 6000 },
    ];
    expect(settings).toMatchObject({ ok: true, value: { targets } });
  });

  test("without a group hears its port at any address", () => {
    expect(sink("--port 5000")).toMatchObject({ value: { targets: [{ group: 0, port: 5000 }] } });
  });

  test("ends by itself when it knows what to expect", () => {
    expect(sink("--port 5000 --expect 9")).toMatchObject({ value: { idle: 2, expect: 9 } });
    expect(sink("--port 5000 --expect 9 --idle 0.5")).toMatchObject({ value: { idle: 0.5 } });
    expect(sink("--port 5000")).toMatchObject({ value: { idle: undefined } });
  });

  for (const line of ["", "--group 239.1.1.1", "--group 239.1.1.1 --port 5000", "--group x --port 1", "--port 0"]) {
    test(`refuses "${line}"`, () => {
      expect(sink(line)).toMatchObject({ ok: false, error: expect.stringMatching(/^--(port|interface|group): /) });
    });
  }

  test("refuses more flows than sockets it may open", () => {
    expect(sink("--port 1 --flows 1001")).toMatchObject({ ok: false });
    const two = "--group 239.1.1.1 --group 239.2.1.1 --interface eth0 --port 1 --flows 501";
    expect(sink(two)).toMatchObject({ ok: false });
  });
});
