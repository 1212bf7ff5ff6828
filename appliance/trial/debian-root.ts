// Minimal Debians, made once by debootstrap and copied for each trial.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emulating } from "./emulation.ts";
import { must, type Place } from "./trial.ts";

export type Architecture = "amd64" | "arm64";

/** What a machine of its own boots with. */
const machine = (architecture: Architecture) =>
  `systemd-sysv,udev,initramfs-tools,linux-image-cloud-${architecture}` as const;

/** What is in them beside the essential packages: an init system alone for a chroot. */
const roots = {
  "debian-root": { architecture: "amd64", include: "systemd" },
  "openrc-root": { architecture: "amd64", include: "openrc" },
  "machine-root": { architecture: "amd64", include: machine("amd64") },
  "arm64-root": { architecture: "arm64", include: machine("arm64") },
} as const;

export type RootKind = keyof typeof roots;

/** The machine's own mirror and suite. */
function origin(): { mirror: string; suite: string } {
  const sources = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].find((path) => existsSync(path));
  const mirror = /(?:^URIs:|^deb(?: \[[^\]]*\])?) *(\S+)/m.exec(readFileSync(sources ?? "/dev/null", "utf8"))?.[1];
  const suite = /VERSION_CODENAME=(\w+)/.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  if (mirror === undefined || suite === undefined) throw new Error("no Debian mirror is known here");
  return { mirror, suite };
}

function make(kind: RootKind, base: string): void {
  const { architecture, include } = roots[kind];
  const { mirror, suite } = origin();
  must(["rm", "-rf", base]);
  const command = ["debootstrap", "--variant=minbase", `--arch=${architecture}`, `--include=${include}`];
  if (architecture === "amd64") {
    must([...command, suite, base, mirror]);
  } else {
    must([...command, "--foreign", suite, base, mirror]);
    emulating(() => must(["chroot", base, "/debootstrap/debootstrap", "--second-stage"]));
  }
  writeFileSync(join(base, "complete"), "");
}

/** A root of its own in the trial's scratch folder. */
export function debianRoot({ work, scratch }: Place, kind: RootKind): string {
  const base = join(work, kind);
  if (!existsSync(join(base, "complete"))) make(kind, base);
  const root = join(scratch, "root");
  must(["cp", "-a", base, root]);
  return root;
}

/** Runs a command in a root, with /proc, which Bun looks into when it starts; the mount goes with its namespace. What it printed. */
export function inside(root: string, ...command: string[]): string {
  const enter = 'mount -t proc proc "$0/proc"; exec chroot "$0" "$@"';
  return must(["unshare", "-m", "sh", "-ec", enter, root, ...command]);
}
