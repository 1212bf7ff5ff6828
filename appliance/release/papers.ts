// What one reads beside the program, and the files for other systems that it speaks of: the same in archives and in Debian packages.
import { chmodSync, cpSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Glob } from "bun";

/** By patterns, from the root of the sources. Where one links to, it stands here as well (test/appliance/links.test.ts). */
export const papers: readonly string[] = [
  "README.md",
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "appliance/*.{md,svg}",
  // By name: who makes an image here has put an executable of 105 MB beside them.
  "appliance/docker/{Dockerfile,README.md,compose.yaml,house,seccomp.json}",
  "appliance/{keepalived,nixos,openrc,openwrt,prometheus,systemd,tuning,vyos}/*",
  "test/README.md",
  "test/bench/{README.md,rates.svg}",
];

/** The files that `papers` means, sorted. */
export function paperFiles(root: string): string[] {
  return papers.flatMap((pattern) => [...new Glob(pattern).scanSync({ cwd: root })]).sort();
}

/** Copies them into `folder`, where they lie as here; scripts stay executable. */
export function putPapers(root: string, folder: string): void {
  for (const path of paperFiles(root)) {
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(root, path), to);
    chmodSync(to, (statSync(join(root, path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}
