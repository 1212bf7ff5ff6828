import { expect, test } from "bun:test";
import { fields } from "../../src/ctl/man/fields.ts";
import { manPage, pageNames } from "../../src/ctl/man/pages.ts";
import { escaped, line } from "../../src/ctl/man/roff.ts";
import { verbs } from "../../src/ctl/verbs.ts";

const [client = "", daemon = "", file = ""] = pageNames.map((name) => manPage(name, verbs));

test("every verb, option and example of the table stands in the manual, and what is for programs does not", () => {
  for (const verb of verbs) {
    const page = verb.name === "supervise" ? daemon : client;
    if (verb.hidden === true) {
      expect(page).not.toContain(`.SS "${verb.name}"`);
      continue;
    }
    expect(page).toContain(escaped(verb.summary.slice(1)));
    const options = Object.keys(verb.options);
    for (const option of options) expect(page).toContain(`\\fB${escaped(`--${option}`)}`);
    for (const example of verb.examples) expect(unfolded(page)).toContain(line(example.line));
  }
});

/** The page, its command lines as they are before they are folded. */
function unfolded(page: string): string {
  return page.replaceAll(` ${escaped("\\")}\n    `, " ");
}

test("a command line is folded between its options, for a terminal of 80 columns", () => {
  const lines = client
    .split("\n")
    .flatMap((each, at, all) => (each === ".nf" ? all.slice(at + 1, all.indexOf(".fi", at)) : []));
  expect(lines.length).toBeGreaterThan(30);
  expect(lines.map((each) => each.replaceAll("\\-", "-")).filter((each) => each.length > 80)).toEqual([]);
  expect(lines.filter((each) => each.endsWith("\\e")).length).toBeGreaterThan(3);
});

test("every field of the file stands in the manual", () => {
  const paths = fields().map(({ path }) => path);
  expect(paths).toContain("rules[].outputs[].ttl");
  expect(fields().find(({ path }) => path === "rules[].input.port")?.text).toBe(
    'their destination port, or a range such as "5000-5999"; 0 only for esp; integer from 0 to 65535; required',
  );
  for (const path of paths) expect(file).toContain(`\\fB${escaped(path)}\\fR`);
});

test.each([...pageNames])("%s is roff without a complaint of the formatter", (name) => {
  const page = manPage(name, verbs);
  // No text became a command: these are all that the generator writes.
  const commands = page.split("\n").flatMap((each) => /^['.]\S*/.exec(each)?.[0] ?? []);
  expect(commands.filter((each) => !/^\.(TH|SH|SS|PP|TP|RS|RE|nf|fi)$/.test(each))).toEqual([]);
  const groff = Bun.which("groff");
  if (groff === null) {
    process.stderr.write("groff is not installed: the page was not formatted\n");
    return;
  }
  const { stdout, stderr } = Bun.spawnSync([groff, "-man", "-ww", "-Tutf8", "-K", "utf8", "-P-cbuo"], {
    stdin: new TextEncoder().encode(page),
  });
  expect(stderr.toString()).toBe("");
  expect(stdout.toString()).toContain("SEE ALSO");
});

test("text stays text, whatever roff would make of it", () => {
  expect(line(".TH 'a\\b' --x ~^`")).toBe("\\&.TH \\(aqa\\eb\\(aq \\-\\-x \\(ti\\(ha\\(ga");
});
