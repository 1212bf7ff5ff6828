// Turns sources into syntax trees with the compiler itself, so that the checks see code and not text that looks like it.
import type { Node, SourceFile } from "typescript/unstable/ast";
import { API } from "typescript/unstable/async";
import { createVirtualFileSystem } from "typescript/unstable/fs";

/** One source file. `path` is relative to src/, such as "relay/match.ts". */
export type Source = { path: string; text: string; tree: SourceFile };

/** Something that is not as the house has it. */
export type Finding = { path: string; line: number; what: string };

/** Parses files given as path -> text. Only parses: nothing is resolved, nothing is checked. */
export async function parseSources(texts: ReadonlyMap<string, string>): Promise<Source[]> {
  const at = (path: string) => `/tidy/${path}`;
  const paths = [...texts.keys()];
  const compilerOptions = { noLib: true, noResolve: true, types: [], allowImportingTsExtensions: true, noEmit: true };
  const files = Object.fromEntries([...texts].map(([path, text]) => [at(path), text]));
  files[at("tsconfig.json")] = JSON.stringify({ compilerOptions, files: paths });
  const api = new API({ cwd: "/tidy", fs: createVirtualFileSystem(files) });
  try {
    const snapshot = await api.updateSnapshot({ openProject: at("tsconfig.json") });
    const [project] = snapshot.getProjects();
    if (project === undefined) throw new Error("the compiler opened no project");
    return await Promise.all(
      [...texts].map(async ([path, text]) => {
        const tree = await project.program.getSourceFile(at(path));
        if (tree === undefined) throw new Error(`the compiler did not parse ${path}`);
        return { path, text, tree };
      }),
    );
  } finally {
    await api.close();
  }
}

/** Every node below `node`, outermost first. */
export function* nodesOf(node: Node): Generator<Node> {
  const children: Node[] = [];
  node.forEachChild((child) => {
    children.push(child);
  });
  for (const child of children) {
    yield child;
    yield* nodesOf(child);
  }
}

/** The line of a node's first character that is not a comment, counted from 1. */
export function lineOf(source: Source, node: Node): number {
  return lineAt(source.text, node.getStart(source.tree));
}

/** Lines from a node's first character to its last; 1 when both are on one line. */
export function lineCountOf(source: Source, node: Node): number {
  return lineAt(source.text, node.end) - lineOf(source, node) + 1;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}
