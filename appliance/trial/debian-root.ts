// Minimal Debians, made once by debootstrap and copied for each trial.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, type Place } from "./trial.ts";

/** What is in them beside the essential packages: systemd alone for a chroot, and what a machine of its own boots with. */
const packages = {
  "debian-root": "systemd",
  "machine-root": "systemd-sysv,udev,initramfs-tools,linux-image-cloud-amd64",
} as const;

/** A root of its own in the trial's scratch folder. */
export function debianRoot({ work, scratch }: Place, kind: keyof typeof packages = "debian-root"): string {
  const base = join(work, kind);
  if (!existsSync(join(base, "complete"))) {
    // The machine's own mirror.
    const sources = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].find((path) =>
      existsSync(path),
    );
    const mirror = /(?:^URIs:|^deb(?: \[[^\]]*\])?) *(\S+)/m.exec(readFileSync(sources ?? "/dev/null", "utf8"))?.[1];
    const suite = /VERSION_CODENAME=(\w+)/.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
    if (mirror === undefined || suite === undefined) throw new Error("no Debian mirror is known here");
    must(["rm", "-rf", base]);
    must(["debootstrap", "--variant=minbase", `--include=${packages[kind]}`, suite, base, mirror]);
    writeFileSync(join(base, "complete"), "");
  }
  const root = join(scratch, "root");
  must(["cp", "-a", base, root]);
  return root;
}
