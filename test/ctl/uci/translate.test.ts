import { expect, test } from "bun:test";
import { judgeTexts } from "../../../src/config/load.ts";
import { translateUci } from "../../../src/ctl/uci/translate.ts";

const networks = new Map([
  ["lan", "br-lan"],
  ["iptv", "eth0.600"],
  ["wan", ""],
]);
const translate = (text: string) => translateUci(text, "/etc/config/mcr", networks);
const said = (text: string) =>
  translate(text).problems.map(({ line, severity, message }) => `${line} ${severity}: ${message}`);

/** What the supervisor makes of the translation. */
function loaded(text: string) {
  const translation = translate(text);
  const { loaded } = judgeTexts([{ path: "mcr.json5", text: translation.text ?? "" }]);
  if (loaded === undefined) throw new Error(JSON.stringify(translation));
  return loaded;
}

const rule = (options: string) => `config rule 'feed_a'\n${options.trim().replace(/^\s*/gm, "\t")}\n`;

test("a whole configuration: networks become devices, the section's name the rule's", () => {
  const text = `
config mcr 'global'
	option enabled '1'
	option workers '2'
	option multicast_ttl '4'

config rule 'feed_a'
	option interface 'iptv'
	option group '239.1.1.1'
	option port '5000'
	option source '10.9.9.9'
	option exclusive 'yes'
	list output '239.2.2.2:5001:lan?ttl=8'
	list output '10.0.2.2:6000:eth9,10.0.2.3:6000:eth9'

config rule
	option name 'second'
	option interface 'eth1'
	option group '239.1.1.2'
	option port '5000'
	option ttl '3'
	option output '239.2.2.3:5001:lan'

config rule 'off'
	option enabled '0'
`;
  const { rules, settings } = loaded(text);
  expect(settings).toEqual({ multicast_ttl: 4 });
  expect(rules).toMatchObject([
    {
      ...{ name: "feed_a", input_interface: "eth0.600", input_group: "239.1.1.1", input_port: 5000 },
      ...{ input_source: "10.9.9.9", exclusive: true },
      outputs: [
        { group: "239.2.2.2", port: 5001, interface: "br-lan", ttl: 8 },
        { group: "10.0.2.2", port: 6000, interface: "eth9" },
        { group: "10.0.2.3", port: 6000, interface: "eth9" },
      ],
    },
    { name: "second", outputs: [{ group: "239.2.2.3", port: 5001, interface: "br-lan", ttl: 3 }] },
  ]);
  expect(translate(text)).toMatchObject({ rules: 2, problems: [] });
});

test("nothing at all is a configuration without rules", () => {
  expect(loaded("").rules).toEqual([]);
});

test("a network without a device leaves its outputs and rules out until it has one, and says so", () => {
  const output = "list output '239.2.2.2:5001:lan'";
  const input = "option group 239.1.1.1\noption port 5000";
  const text = rule(`option interface wan\n${input}\n${output}`);
  expect(said(text)).toEqual(["2 warning: network 'wan' has no device now: the rule waits for it"]);
  expect(loaded(text).rules).toEqual([]);
  const half = rule(`option interface lan\n${input}\nlist output '10.0.2.2:1:wan'\nlist output '10.0.2.2:1:eth9'`);
  expect(said(half)).toEqual(["5 warning: network 'wan' has no device now: the output waits for it"]);
  expect(loaded(half).rules).toMatchObject([{ outputs: [{ interface: "eth9" }] }]);
});

test("every mistake is told with the line of the UCI file, whoever finds it", () => {
  const good = "option interface lan\noption group 239.1.1.1\noption port 5000\nlist output '239.2.2.2:5001:eth9'";
  expect(said(rule(good.replace("5000", "70000")))).toEqual([
    "4 error: port must be a port from 1 to 65535, not 70000",
  ]);
  expect(said(rule(good.replace("option group 239.1.1.1", "")))).toEqual([
    expect.stringMatching(/^1 error: group is missing; it must be an IPv4 address/),
  ]);
  expect(said(rule(good.replace("eth9'", "eth9?tll=4'")))).toEqual([
    "5 error: unknown setting 'tll' in output '239.2.2.2:5001:eth9?tll=4'. Did you mean 'ttl'?",
  ]);
  expect(said(rule(good.replace(/list.*/, "")))).toEqual([
    "1 error: the rule has no output: list output 'GROUP:PORT:INTERFACE'",
  ]);
  expect(said(rule(good.replace("option port", "list port")))).toEqual(["4 error: 'port' is an option, not a list"]);
  expect(said(rule(`${good}\noption prot udp`))).toEqual(["6 warning: nothing reads 'prot'. Did you mean 'protocol'?"]);
  expect(said(rule(`${good}\noption enabled maybe`))).toEqual(["6 error: 'enabled' must be 1 or 0, not 'maybe'"]);
  expect(said("config rules 'x'\n")).toEqual([
    "1 warning: sections of type 'rules' are not read. Did you mean 'rule'?",
  ]);
  expect(said("config mcr 'global'\noption multicast_ttl 999\n")).toEqual([
    expect.stringMatching(/^2 error: multicast_ttl must be a TTL from 1 to 255, not 999/),
  ]);
});

test("rules that cannot stand beside each other are told by their lines of the UCI file", () => {
  const one = "option interface lan\noption group 239.1.1.1\noption port 5000\nlist output '239.2.2.2:5001:eth9'";
  const problems = said(`${rule(one)}${rule(one).replace("feed_a", "feed_b")}`);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^6 error: .*\/etc\/config\/mcr:1/);
});
