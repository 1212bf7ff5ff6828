// mcrctl against a live mcrd: every sub-command of INTEROP.md 1.2, its exact output, and its exit codes.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Mcrd, named } from "../helpers/mcr.ts";
import { Lab } from "../helpers/namespaces.ts";
import { binary } from "../helpers/relay.ts";

const lab = Lab.create("interop-ctl");
lab.veth({ ns: "relay", link: "eth0", address: "10.0.0.1/24" }, { ns: "peer", link: "eth0", address: "10.0.0.2/24" });
lab.veth({ ns: "relay", link: "eth1", address: "10.1.0.1/24" }, { ns: "peer", link: "eth1", address: "10.1.0.2/24" });
afterAll(() => lab.close());

const add = "add --input-interface eth0 --input-group 239.1.1.1 --input-port 5000".split(" ");
const oneRule = [...add, "--outputs", "239.2.2.2:5001:eth1"];

/** As serde_json prints it. */
const pretty = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

describe("against a live daemon", () => {
  let mcrd: Mcrd;
  beforeEach(async () => {
    mcrd = await Mcrd.start(lab, ["--num-workers", "1"]);
  });
  afterEach(() => lab.endAll());

  test("a session prints what MCR's does, to the letter", async () => {
    const said = async (...args: string[]) => {
      const { exitCode, stdout } = await mcrd.ctl(...args);
      return { exitCode, stdout };
    };
    const fine = (value: unknown) => ({ exitCode: 0, stdout: pretty(value) });
    expect(await said("list")).toEqual({ exitCode: 0, stdout: '{\n  "Rules": []\n}\n' });
    expect(await said(...oneRule)).toEqual({
      exitCode: 0,
      stdout: '{\n  "Success": "Rule 18302982b59d5f86 added"\n}\n',
    });
    const rule = {
      ...{ rule_id: "18302982b59d5f86", input_interface: "eth0", input_group: "239.1.1.1", input_port: 5000 },
      ...{ input_protocol: 17, outputs: [{ group: "239.2.2.2", port: 5001, interface: "eth1" }], source: "Dynamic" },
    };
    expect(await said("list")).toEqual(fine({ Rules: [rule] }));
    expect(await said("list-rules")).toEqual(fine({ Rules: [rule] }));
    expect(await said("ping")).toEqual(fine({ Success: "pong: 1/1 worker streams ready" }));
    expect(await said("version")).toEqual(fine({ Version: { protocol_version: 1 } }));
    const flow = {
      input_group: "239.1.1.1",
      input_port: 5000,
      input_protocol: 17,
      packets_relayed: 0,
      bytes_relayed: 0,
    };
    expect(await said("stats")).toEqual(fine({ Stats: [{ ...flow, packets_per_second: 0, bits_per_second: 0 }] }));
    expect((await said("list-workers")).stdout).toMatch(
      /^\{\n {2}"Workers": \[\n {4}\{\n {6}"pid": \d+,\n {6}"worker_type": "DataPlane",\n {6}"core_id": \d+,\n {6}"interface": "eth0",\n {6}"status": "Running"\n {4}\}\n {2}\]\n\}\n$/,
    );
    const input = { interface: "eth0", group: "239.1.1.1", port: 5000, protocol: null };
    expect(await said("config", "show")).toEqual(
      fine({ Config: { pinning: {}, rules: [{ input, outputs: rule.outputs }], multicast_ttl: null } }),
    );
    expect((await said("config", "control-plane")).stdout).toContain('"rpf_provider": "disabled"');
    expect((await said("mroute")).stdout).toContain('"entry_type": "StarG"');
    expect(await said("remove", "--rule-id", "18302982b59d5f86")).toEqual(
      fine({ Success: "Rule 18302982b59d5f86 removed" }),
    );
  }, 30_000);

  test("outputs repeat and stand behind commas; a name removes; a warning is not part of the answer", async () => {
    const many = ["--outputs", "239.2.2.2:5001:eth1,239.2.2.3:5002:eth1", "--outputs=239.2.2.4:5003:eth1"];
    expect(await mcrd.ctl(...add, ...many, "--name", "feed")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await mcrd.send("ListRules")).toMatchObject({
      Rules: [{ name: "feed", outputs: [{ port: 5001 }, { port: 5002 }, { port: 5003 }] }],
    });
    const second = [
      "add",
      "--input-interface=eth0",
      "--input-group=239.1.1.9",
      "--input-port=5009",
      "--rule-id=second",
    ];
    const warned = await mcrd.ctl(...second, "--outputs=239.2.2.2:5001:eth1");
    expect(warned).toMatchObject({ exitCode: 0, stdout: pretty({ Success: "Rule second added" }) });
    expect(warned.stderr).toStartWith("Warning: ");
    const removed = await mcrd.ctl("remove", "--name", "feed");
    expect(removed.stdout).toBe(pretty({ Success: "Removed rule 'feed' (id: 18302982b59d5f86)" }));
    expect(await mcrd.ctl("remove", "--name", "feed")).toMatchObject({
      exitCode: 1,
      stdout: pretty({ Error: "No rule found with name 'feed'. Use 'mcrctl list' to see available rules." }),
    });
  }, 30_000);

  test("levels have many spellings, facilities one", async () => {
    for (const [spelling, level] of [
      ...[
        ["emerg", "EMERGENCY"],
        ["Alert", "ALERT"],
        ["crit", "CRITICAL"],
        ["err", "ERROR"],
        ["WARN", "WARNING"],
      ],
      ...[
        ["notice", "NOTICE"],
        ["informational", "INFO"],
        ["debug", "DEBUG"],
      ],
    ]) {
      expect((await mcrd.ctl("log-level", "set", "--global", spelling ?? "")).stdout).toBe(
        pretty({ Success: `Global log level set to ${level}` }),
      );
    }
    const facility = ["log-level", "set", "--facility"];
    expect((await mcrd.ctl(...facility, "Ingress", "--level", "debug")).stdout).toBe(
      pretty({ Success: "Log level for Ingress set to DEBUG" }),
    );
    expect((await mcrd.ctl("log-level", "get")).stdout).toBe(
      pretty({ LogLevels: { global: "Debug", facility_overrides: { Ingress: "Debug" } } }),
    );
    for (const wrong of [
      ["log-level", "set"],
      ["log-level", "set", "--global", "trace"],
      [...facility, "ingress", "--level", "debug"],
    ]) {
      expect(await mcrd.ctl(...wrong)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^Error: /) });
    }
  }, 30_000);

  test("files are parsed by the client and judged by the daemon", async () => {
    const path = join(lab.dir, "rules.json5");
    const copy = join(lab.dir, "copy.json5");
    writeFileSync(
      path,
      "{ // JSON5\n rules: [ { input: { interface: 'eth0', group: '239.1.1.1', port: 5000 }, outputs: [], }, ], }",
    );
    expect((await mcrd.ctl("config", "check", "--file", path)).stdout).toBe(
      pretty({ ConfigValidation: { valid: true, errors: [] } }),
    );
    expect((await mcrd.ctl("config", "load", "--file", path)).stdout).toContain(
      "Configuration merged (1 rules added, 0 skipped as duplicates)",
    );
    expect((await mcrd.ctl("config", "load", "--file", path, "--replace")).stdout).toContain(
      "Configuration loaded (1 rules, replaced existing)",
    );
    expect((await mcrd.ctl("config", "save", "--file", copy)).stdout).toBe(
      pretty({ Success: `Configuration saved to ${copy}` }),
    );
    expect(readFileSync(copy, "utf8")).toContain("239.1.1.1");
    expect(await mcrd.ctl("config", "save")).toMatchObject({
      exitCode: 1,
      stdout: pretty({ Error: "No path specified and mcrd was not started with --config" }),
    });
    writeFileSync(path, "{ rules: [ }");
    expect(await mcrd.ctl("config", "check", "--file", path)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^Error: failed to parse config: .*rules\.json5:1:12: /),
    });
    expect(await mcrd.ctl("config", "load", "--file", "/nosuch.json5")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^Error: failed to read config file '\/nosuch\.json5': /),
    });
  }, 30_000);

  test("everything about routing protocols is sent, and answered that it is not available", async () => {
    const lines = [
      ...["pim neighbors", "pim enable --interface eth0", "pim enable --interface eth0 --dr-priority 5"],
      ...["pim disable --interface eth0", "pim set-rp --group 239.0.0.0/8 --rp 10.0.0.1"],
      ...["pim set-rp-address --address 10.0.0.1", "pim external-neighbors", "pim clear-neighbors"],
      "pim add-neighbor --address 10.0.0.2 --interface eth0 --priority 10 --tag babel",
      ...["pim remove-neighbor --address 10.0.0.2 --interface eth0", "pim clear-neighbors --interface eth0"],
      ...["pim set-rpf --provider static", "pim get-rpf", "pim query-rpf --source 10.9.9.9", "pim list-rpf-routes"],
      "pim add-rpf-route --source 10.9.9.9 --interface eth0 --neighbor 10.0.0.2 --metric 10",
      ...["pim remove-rpf-route --source 10.9.9.9", "pim clear-rpf-routes", "igmp groups"],
      ...["igmp enable-querier --interface eth0", "igmp disable-querier --interface eth0", "msdp peers"],
      "msdp add-peer --address 10.3.0.2 --description east --mesh-group m1 --default-peer",
      ...["msdp remove-peer --address 10.3.0.2", "msdp sa-cache", "msdp clear-sa-cache"],
      ...["subscribe", "subscribe --events pim-route,msdp"],
    ];
    for (const line of lines) {
      const { exitCode, stdout } = await mcrd.ctl(...line.split(" "));
      expect({ line, exitCode, stdout }).toEqual({
        ...{ line, exitCode: 1 },
        stdout: expect.stringMatching(/^\{\n {2}"Error": "[A-Za-z ]+ not available"\n\}\n$/),
      });
    }
    expect(await mcrd.ctl("subscribe", "--events", "nonsense")).toMatchObject({
      ...{ exitCode: 1, stdout: "" },
      stderr: expect.stringMatching(/unknown event type 'nonsense'\nError: /),
    });
  }, 60_000);

  test("as first argument of mcr-appliance it is the same program", async () => {
    const args = [binary, "mcrctl", "--socket-path", mcrd.socketPath, "ping"];
    const ended = await lab.spawn("relay", args).finish();
    expect(ended).toMatchObject({ exitCode: 0, stdout: pretty({ Success: "pong: 1/1 worker streams ready" }) });
  }, 30_000);
});

describe("without a daemon", () => {
  const mcrctl = (...args: string[]) => lab.spawn("relay", [named(lab, "mcrctl"), ...args]).finish();

  test.each([
    [["--help"], 0],
    [["--version"], 0],
    [["add", "-h"], 0],
    [[], 2],
    [["nonsense"], 2],
    [["list", "--socket-path", "/x"], 2],
    [["remove", "--rule-id", "a", "--name", "b"], 2],
    [["add", "--input-interface", "eth0"], 2],
    [[...add.slice(0, -1), "70000"], 2],
    [["config", "load"], 2],
    [["remove"], 1],
    [[...add, "--outputs", "239.2.2.2:5001"], 1],
    [["--socket-path", "/nosuch.sock", "list"], 1],
  ])("%j exits with %d", async (args, exitCode) => {
    const ended = await mcrctl(...args);
    expect(ended.exitCode).toBe(exitCode);
    expect(exitCode === 0 ? ended.stderr : ended.stdout).toBe("");
    expect(exitCode === 0 ? ended.stdout : ended.stderr).not.toBe("");
  });

  test("a reply of MCR's own daemon is printed as it came: numbers to the digit, variants that we do not know", async () => {
    const path = join(lab.dir, "other.sock");
    const replies = ['{"Stats":[{"bits_per_second":16800.0,"x":12345678901234567890}]}', '{"PimNeighbors":[]}', ""];
    const server = createServer({ allowHalfOpen: true }, (socket) =>
      socket.resume().on("end", () => socket.end(replies.shift() ?? "")),
    ).listen(path);
    const printed = await mcrctl("--socket-path", path, "stats");
    expect(printed.stdout).toContain('"bits_per_second": 16800.0,\n      "x": 12345678901234567890\n');
    expect((await mcrctl("--socket-path", path, "pim", "neighbors")).stdout).toBe('{\n  "PimNeighbors": []\n}\n');
    expect(await mcrctl("--socket-path", path, "ping")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("without a reply"),
    });
    server.close();
  });
});
