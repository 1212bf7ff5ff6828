// The Debian packages: judged by lintian, and installed, upgraded, removed and purged in a root of their own.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { debianRoot } from "./debian-root.ts";
import { expect, may, must, type Place, type Trial } from "./trial.ts";

export const packageOf = ({ release, version }: Place, architecture: string) =>
  join(release, `mcr-appliance_${version}_${architecture}.deb`);

export const lintian: Trial = {
  name: "lintian",
  about: ".deb, amd64 and arm64: lintian",
  run: (place) => {
    const packages = ["amd64", "arm64"].map((architecture) => packageOf(place, architecture));
    const { output } = may(["lintian", "--allow-root", "--tag-display-limit", "0", "--fail-on", "none", ...packages]);
    const tags = output.split("\n").filter((line) => /^[EWI]: /.test(line));
    if (tags.length > 0) throw new Error(tags.join("\n"));
    const overridden = readFileSync(join(place.root, "appliance/debian/overrides"), "utf8").match(/^mcr-appliance:/gm);
    return { ran: `clean, with ${overridden?.length ?? 0} explained overrides` };
  },
};

/** The same package as the next version, with another default in a configuration file. */
export function nextVersion(place: Place): string {
  const folder = join(place.scratch, "next");
  must(["dpkg-deb", "-R", packageOf(place, "amd64"), folder]);
  const control = join(folder, "DEBIAN/control");
  writeFileSync(control, readFileSync(control, "utf8").replace(/^Version: .*/m, "Version: 99.0"));
  for (const path of ["etc/mcr/mcr.json5", "etc/default/mcr"]) appendFileSync(join(folder, path), "\n");
  const outfile = join(place.scratch, "next.deb");
  must(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", folder, outfile]);
  return outfile;
}

export const debianPackage: Trial = {
  name: "deb",
  about: ".deb, amd64: install, upgrade, remove, purge in a Debian root",
  run: (place) => {
    const root = debianRoot(place);
    // Bun looks into /proc when it starts. The mount goes with the namespace.
    const enter = `mount -t proc proc ${root}/proc; exec chroot ${root} "$@"`;
    const inside = (...command: string[]) => must(["unshare", "-m", "sh", "-ec", enter, "sh", ...command]);
    const at = (path: string) => join(root, path);
    must(["cp", packageOf(place, "amd64"), at("first.deb")]);
    must(["mv", nextVersion(place), at("next.deb")]);
    inside("dpkg", "-i", "/first.deb");
    expect("the program runs", inside("mcr-appliance", "--version").includes(place.version));
    expect("there is a user mcr", /^mcr:/m.test(readFileSync(at("etc/passwd"), "utf8")));
    expect("the group mcr owns /etc/mcr", inside("stat", "-c", "%G %a", "/etc/mcr").trim() === "mcr 2775");
    expect("the service is enabled", existsSync(at("etc/systemd/system/multi-user.target.wants")));
    const verified = inside("systemd-analyze", "--man=no", "verify", "/usr/lib/systemd/system/mcr.service");
    expect(`systemd-analyze verify is silent about the unit: ${verified}`, !verified.includes("mcr.service"));

    appendFileSync(at("etc/mcr/mcr.json5"), "// mine\n");
    inside("dpkg", "--force-confold", "-i", "/next.deb");
    expect(
      "the upgrade keeps edited configuration",
      readFileSync(at("etc/mcr/mcr.json5"), "utf8").endsWith("// mine\n"),
    );
    expect(
      "and brings the new default of what nobody edited",
      readFileSync(at("etc/default/mcr"), "utf8").endsWith("\n\n"),
    );

    inside("dpkg", "--remove", "mcr-appliance");
    expect("the program is gone", !existsSync(at("usr/bin/mcr-appliance")));
    expect("the configuration stays", existsSync(at("etc/mcr/mcr.json5")));
    inside("dpkg", "--purge", "mcr-appliance");
    const left = inside(
      "find",
      "/etc",
      "/usr",
      "/var/lib",
      "/run",
      "-name",
      "*mcr*",
      "-not",
      "-name",
      "mcrypt*",
    ).trim();
    expect(`nothing is left: ${left}`, left === "");
    return { ran: "user, folders, unit enabled and verified; edited configuration kept; nothing left" };
  },
};
