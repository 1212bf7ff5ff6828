// Every link of the documents hits: a file that is there, a heading in it. What a package ships links to what it ships.
import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";
import { paperFiles } from "../../appliance/release/papers.ts";

const root = join(import.meta.dir, "../..");
const documents = ["*.md", "{appliance,test}/**/*.md"].flatMap((pattern) => [
  ...new Glob(pattern).scanSync({ cwd: root }),
]);

/** `path` from the root, `anchor` without its `#`. */
type Link = { from: string; path: string; anchor: string | undefined };

/** What stands in fences and between backticks is no link. */
function proseOf(text: string): string {
  return text.replace(/^```.*?^```$/gms, "").replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]]/g, " "));
}

function linksOf(from: string, text: string): Link[] {
  return [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = "", anchor] = target.split("#");
      return { from, path: path === "" ? from : normalize(join(dirname(from), path)), anchor };
    });
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.replace(/^```.*?^```$/gms, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const read = (path: string) => readFileSync(join(root, path), "utf8");
const links = documents.flatMap((path) => linksOf(path, read(path)));

test("links are found, and headings as anchors", () => {
  expect(linksOf("a/b.md", "[x](../c.md#d-e) `[y](z)` [f](#g) [h](https://i)")).toEqual([
    { from: "a/b.md", path: "c.md", anchor: "d-e" },
    { from: "a/b.md", path: "a/b.md", anchor: "g" },
  ]);
  expect(anchorsOf("# Is it lost, and where?\n## Bun's `doors`\n```\n# no\n```\n")).toEqual([
    "is-it-lost-and-where",
    "buns-doors",
  ]);
  expect(links.length).toBeGreaterThan(30);
});

test("every link hits a file, and a heading where it names one", () => {
  const misses = links.filter(({ path, anchor }) => {
    const isThere = existsSync(join(root, path)) && statSync(join(root, path)).isFile();
    return !isThere || (anchor !== undefined && !anchorsOf(read(path)).includes(anchor));
  });
  expect(misses).toEqual([]);
});

test("what is shipped links to nothing that is not", () => {
  const shipped = new Set(paperFiles(root));
  expect(["README.md", "appliance/OPERATING.md", "appliance/MCR.md"].filter((path) => !shipped.has(path))).toEqual([]);
  expect(links.filter(({ from, path }) => shipped.has(from) && !shipped.has(path))).toEqual([]);
});
