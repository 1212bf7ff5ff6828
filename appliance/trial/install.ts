// `mcr-appliance install` against the package: the same files, byte for byte.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { executableFor, may, must, type Trial } from "./trial.ts";

export const installVerb: Trial = {
  name: "install",
  about: "mcr-appliance install and install.sh: what the package ships, and away again",
  run: (place) => {
    const folders = ["package", "verb", "archive"].map((name) => join(place.scratch, name));
    const [shipped = "", byVerb = "", archive = ""] = folders;
    for (const folder of folders) mkdirSync(folder);
    must(["dpkg-deb", "-x", join(place.release, `mcr-appliance_${place.version}_amd64.deb`), shipped]);
    must([executableFor(place, "linux-x64"), "install", "--root", byVerb, "--init", "systemd"]);
    // dpkg's papers are its own, and so is our record.
    must(["rm", "-rf", ...["doc", "lintian"].map((name) => join(shipped, "usr/share", name))]);
    const apart = may(["diff", "-r", "--exclude=mcr-appliance", shipped, byVerb]);
    const programs = [shipped, byVerb].map((root) => join(root, "usr/bin/mcr-appliance"));
    if (apart.output.trim() !== "") throw new Error(apart.output);
    must(["cmp", ...programs]);
    const name = `mcr-appliance-${place.version}-linux-x64`;
    must(["tar", "xzf", join(place.release, `${name}.tar.gz`), "-C", archive]);
    const again = must([join(archive, name, "install.sh"), "--root", byVerb]);
    if (!again.startsWith("0 files written")) throw new Error(`install.sh found something else:\n${again}`);
    must([join(archive, name, "install.sh"), "--uninstall", "--root", byVerb]);
    const left = must(["find", byVerb, "-mindepth", "1"]).trim();
    if (left !== "") throw new Error(`left behind:\n${left}`);
    return { ran: "alike but for /usr/share/doc and lintian's overrides; nothing left behind" };
  },
};
