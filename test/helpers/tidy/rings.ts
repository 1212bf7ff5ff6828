// Files that import each other, types included: whoever wants to understand one of them has to know them all.
import { importsOf } from "./imports.ts";
import type { Finding, Source } from "./parse.ts";

/** Every ring once, at its first file by name. */
export function ringFindings(sources: readonly Source[]): Finding[] {
  const paths = new Set(sources.map(({ path }) => path));
  const targets = new Map(
    sources.map((source) => [
      source.path,
      importsOf(source).flatMap(({ target }) => (paths.has(target) ? [target] : [])),
    ]),
  );
  const reached = new Map([...paths].map((path) => [path, reachedFrom(path, targets)]));
  const ringOf = (path: string) => [...paths].filter((other) => reachesEachOther(path, other, reached)).sort();
  const rings = new Set([...paths].map((path) => ringOf(path).join(", ")).filter((ring) => ring !== ""));
  return [...rings].map((ring) => ({ path: ring.split(",")[0] ?? "", line: 1, what: `a ring of imports: ${ring}` }));
}

function reachesEachOther(one: string, other: string, reached: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  return reached.get(one)?.has(other) === true && reached.get(other)?.has(one) === true;
}

/** All that a file imports, and what that imports, and so on; the file itself only if that leads back to it. */
function reachedFrom(path: string, targets: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>();
  const open = [...(targets.get(path) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(targets.get(next) ?? []));
  }
  return found;
}
