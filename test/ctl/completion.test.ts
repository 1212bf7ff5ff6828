import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { done, failed } from "../../src/base/outcome.ts";
import { candidatesOf } from "../../src/ctl/completion/candidates.ts";
import { scripts } from "../../src/ctl/completion/scripts.ts";
import { wishOf } from "../../src/ctl/completion/wish.ts";
import { verbs } from "../../src/ctl/verbs.ts";

const rule = {
  ...{ rule_id: "1455e9267690213a", name: "feed-a", tags: ["lab"], input_interface: "eth0", input_group: "239.1.1.1" },
  ...{ input_port: 5000, input_protocol: 17, outputs: [], source: "Dynamic" as const },
};

/** What a line is completed to, the last word being typed; as words alone. */
async function offered(line: string, isUp = true): Promise<string[] | "files"> {
  const found = await candidatesOf(wishOf(line.split(" "), verbs), {
    ask: async () =>
      isUp ? done({ reply: { Rules: [rule] }, raw: {} }) : failed({ kind: "absent", text: "nobody is there" }),
    socketPath: undefined,
    verbs: [{ word: "add", summary: "" }],
    pages: ["mcr.json5"],
  });
  const typed = line.split(" ").at(-1) ?? "";
  return found === "files" ? found : found.map(({ word }) => word).filter((word) => word.startsWith(typed));
}

describe("completion offers", () => {
  test.each<[string, string[] | "files"]>([
    ["re", ["remove", "reload", "reload-binary"]],
    ["--s", ["--socket-path"]],
    ["--socket-path ", "files"],
    ["--socket-path /x rem", ["remove"]],
    ["add --input-i", ["--input-interface"]],
    ["add --input-interface l", ["lo"]],
    ["add --input-interface=l", ["--input-interface=lo"]],
    ["add --outputs 239.2.2.2:5001:l", ["239.2.2.2:5001:lo"]],
    ["add --outputs 10.0.0.1:1:eth0,239.2.2.2:5001:l", ["10.0.0.1:1:eth0,239.2.2.2:5001:lo"]],
    ["add --ttl 4 --tt", []],
    ["add --outputs x --outp", ["--outputs"]],
    ["add --exclusive ", ["true", "false"]],
    ["remove ", ["1455e9267690213a"]],
    ["remove --name f", ["feed-a"]],
    ["explain fe", ["feed-a"]],
    ["explain --pcap ", "files"],
    ["config ap", ["apply"]],
    ["config apply ", "files"],
    ["config apply --confirm-within 60s n", "files"],
    ["config check a b c", "files"],
    ["disable fe", ["feed-a"]],
    ["list --tag l", ["lab"]],
    ["batch ", "files"],
    ["help a", ["add"]],
    ["man mc", ["mcr.json5"]],
    ["completion z", ["zsh"]],
    ["log-level set de", ["debug"]],
    ["list --", ["--tag", "--socket-path", "--json", "--help"]],
    ["doctor --interface lo --interf", ["--interface"]],
    ["ping x", []],
    ["gen --h", ["--help"]],
    ["gen --interface l", ["lo"]],
    ["sink --exp", ["--expect"]],
    ["unheard-of x", []],
  ])("%j -> %j", async (line, words) => {
    expect(await offered(line)).toEqual(words);
  });

  test("no rules, and no complaint, when nobody answers", async () => {
    expect(await offered("remove ", false)).toEqual([]);
  });

  test("every verb that is not for programs", async () => {
    const shown = verbs.filter(({ hidden }) => hidden !== true).map(({ name }) => name);
    expect(await offered("")).toEqual(shown);
  });
});

describe("the script for bash", () => {
  test.each<[string, string, string[]]>([
    ["mcr remove --name f", "feed-a\\tabout it\\nother\\n", ["feed-a"]],
    ["mcr add --outputs 239.2.2.2:5001:e", "239.2.2.2:5001:eth0\\n239.2.2.2:5001:eth1\\n", ["eth0", "eth1"]],
    ["mcr remove ", "a b\\n$(x)\\n", ["a\\ b", "\\$\\(x\\)"]],
    ["mcr config apply ne", ":files\\n", ["new.json5"]],
  ])("completes %j", async (line, answer, words) => {
    const dir = mkdtempSync(join(tmpdir(), "mcr-completion-"));
    try {
      const program = join(dir, "mcr");
      writeFileSync(
        program,
        `#!/bin/sh\nprintf '%s\\n' "$*" > "${dir}/asked"\nprintf '${answer.replaceAll("$", "$")}'\n`,
      );
      chmodSync(program, 0o755);
      writeFileSync(join(dir, "new.json5"), "");
      const script = `${scripts["bash"]}\nCOMP_LINE=$1; COMP_POINT=\${#1}; _mcr_appliance "$2"; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const shell = Bun.spawnSync(["bash", "-c", script, "bash", line, program], { cwd: dir });
      expect([shell.stdout.toString().trim().split("\n"), shell.stderr.toString()]).toEqual([words, ""]);
      const asked = await Bun.file(join(dir, "asked")).text();
      expect(asked.trimEnd()).toBe(`complete -- ${line.slice(4)}`.trimEnd());
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
