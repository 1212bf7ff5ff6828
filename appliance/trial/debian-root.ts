// A minimal Debian with systemd, made once by debootstrap and copied for each trial.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, type Place } from "./trial.ts";

/** A root of its own in the trial's scratch folder. */
export function debianRoot({ work, scratch }: Place): string {
  const base = join(work, "debian-root");
  if (!existsSync(join(base, "complete"))) {
    // The machine's own mirror.
    const sources = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].find((path) =>
      existsSync(path),
    );
    const mirror = /(?:^URIs:|^deb(?: \[[^\]]*\])?) *(\S+)/m.exec(readFileSync(sources ?? "/dev/null", "utf8"))?.[1];
    const suite = /VERSION_CODENAME=(\w+)/.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
    if (mirror === undefined || suite === undefined) throw new Error("no Debian mirror is known here");
    must(["rm", "-rf", base]);
    must(["debootstrap", "--variant=minbase", "--include=systemd", suite, base, mirror]);
    writeFileSync(join(base, "complete"), "");
  }
  const root = join(scratch, "root");
  must(["cp", "-a", base, root]);
  return root;
}
