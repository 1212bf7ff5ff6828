// VyOS' files without VyOS: the XML by xmllint, the conf_mode script under Python with stubs for VyOS' modules, the real templates
// by Jinja, and the real check of what comes out.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judgeTexts } from "../../src/config/load.ts";
import { run, runAnyway } from "../helpers/run.ts";
import { writeSourceBinary } from "../helpers/source-binary.ts";

const folder = join(import.meta.dir, "../../appliance/vyos");
const dir = mkdtempSync(join(tmpdir(), "mcrt-vyos-"));
const program = join(dir, "mcr-appliance");
const [config, override] = [join(dir, "run/mcr.json5"), join(dir, "systemd/10-vyos.conf")];
afterAll(() => rmSync(dir, { recursive: true }));

/** What the script imports of VyOS 1.5, as small as it can be; `call` tells what would be done to the service. */
const modules: Record<string, string> = {
  "__init__.py": "class ConfigError(Exception):\n    pass\n",
  "airbag.py": "def enable():\n    pass\n",
  "config.py": `
import json, os
class Config:
    def exists(self, path):
        return os.environ['TREE'] != ''
    def get_config_dict(self, path, **how):
        assert how == {'key_mangling': ('-', '_'), 'get_first_key': True, 'no_tag_node_value_mangle': True}
        return json.loads(os.environ['TREE'])
`,
  "template.py": `
import os
from jinja2 import Environment, FileSystemLoader
environment = Environment(loader=FileSystemLoader('${folder}'), trim_blocks=True, keep_trailing_newline=True)
def render(path, template, values):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file:
        file.write(environment.get_template(os.path.basename(template)).render(values))
`,
  "utils/__init__.py": "",
  "utils/process.py": `
import subprocess
def call(command):
    print('call', command)
def rc_cmd(command):
    done = subprocess.run(command.split(), capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
`,
};

beforeAll(() => {
  writeSourceBinary(program);
  for (const [name, text] of Object.entries(modules)) {
    mkdirSync(join(dir, "vyos/utils"), { recursive: true });
    writeFileSync(join(dir, "vyos", name), text);
  }
  const script = readFileSync(join(folder, "service_mcr.py"), "utf8")
    .replaceAll("/usr/bin/mcr-appliance", program)
    .replaceAll("/run/mcr-vyos", join(dir, "run"))
    .replaceAll("/run/systemd/system/mcr.service.d", join(dir, "systemd"));
  writeFileSync(join(dir, "service_mcr.py"), script);
});

/** A commit with this tree below `service mcr`; undefined: the node was deleted. */
function commit(tree: unknown) {
  const text = tree === undefined ? "" : JSON.stringify(tree);
  // Debian's own: that is the one that has Jinja here.
  return runAnyway(["env", `PYTHONPATH=${dir}`, `TREE=${text}`, "/usr/bin/python3", join(dir, "service_mcr.py")]);
}

const rule = {
  input: { interface: "eth0", address: "239.1.1.1", port: "5000" },
  output: {
    "1": { interface: "eth1", address: "239.2.2.2", port: "5001", ttl: "4" },
    "2": { interface: "eth2", address: "10.0.2.2", port: "6000", source_address: "10.0.2.1" },
  },
};

test("a commit writes what the relay reads, and restarts it only for its options", () => {
  const first = commit({ multicast_ttl: "8", workers: "2", rule: { "feed-a": rule, off: { disable: {} } } });
  expect([first.exitCode, first.stdout]).toEqual([
    0,
    "call systemctl daemon-reload\ncall systemctl restart mcr.service\n",
  ]);
  const { loaded } = judgeTexts([{ path: config, text: readFileSync(config, "utf8") }]);
  expect(loaded?.settings).toEqual({ multicast_ttl: 8 });
  expect(loaded?.rules).toMatchObject([
    {
      ...{ name: "feed-a", input_interface: "eth0", input_group: "239.1.1.1", input_port: 5000 },
      outputs: [
        { group: "239.2.2.2", port: 5001, interface: "eth1", ttl: 4 },
        { group: "10.0.2.2", port: 6000, interface: "eth2", source_ip: "10.0.2.1" },
      ],
    },
  ]);
  const unit = readFileSync(override, "utf8");
  expect(unit).toContain(
    `ExecStart=${program} supervise --config ${config} --workers 2\n`.replace(program, "/usr/bin/mcr-appliance"),
  );
  const second = commit({ workers: "2", rule: { "feed-a": rule } });
  expect(second.stdout).toBe("call systemctl reload-or-restart mcr.service\n");
});

test.each([
  [
    "without an input port",
    { ...rule, input: { interface: "eth0", address: "239.1.1.1" } },
    'Rule "r" has no input port!',
  ],
  ["without an output", { input: rule.input }, 'Rule "r" has no output!'],
  ["with half an output", { ...rule, output: { "3": { port: "1" } } }, 'Output 3 of rule "r" has no interface!'],
  [
    "that the relay refuses",
    { ...rule, output: { "1": { ...rule.output["1"], interface: "eth0" } } },
    "cannot be the same",
  ],
])("a rule %s is refused, and what runs is not touched", (_, broken, words) => {
  commit({ rule: { "feed-a": rule } });
  const before = readFileSync(config, "utf8");
  const { stdout, exitCode } = commit({ rule: { r: broken } });
  expect([exitCode, stdout]).toEqual([1, expect.stringContaining(words)]);
  expect(stdout).not.toContain("call");
  expect(readFileSync(config, "utf8")).toBe(before);
});

test("what is deleted is stopped, and leaves no file", () => {
  commit({ rule: { "feed-a": rule } });
  expect(commit(undefined).stdout).toContain("call systemctl stop mcr.service");
  expect([existsSync(config), existsSync(override)]).toEqual([false, false]);
});

test("the definition is well formed, and names what the script and the templates read", () => {
  const path = join(folder, "service_mcr.xml.in");
  run(["xmllint", "--noout", path]);
  const nodes = run(["xmllint", "--xpath", "//leafNode/@name", path]).stdout.matchAll(/name="([^"]+)"/g);
  const names = new Set([...nodes].map(([, name]) => name?.replaceAll("-", "_") ?? ""));
  const read = [
    readFileSync(join(folder, "mcr.json5.j2"), "utf8"),
    readFileSync(join(folder, "override.conf.j2"), "utf8"),
  ];
  const asked = [...read.join("").matchAll(/(?:each|input|output)\.(\w+)|(\w+) is defined/g)].map(
    ([, a, b]) => a ?? b ?? "",
  );
  const own = new Set(["input", "output", "items"]);
  expect(asked.filter((name) => !names.has(name) && !own.has(name))).toEqual([]);
  expect([...names].filter((name) => !asked.includes(name))).toEqual([]);
});
