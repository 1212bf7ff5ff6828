// The Debian packages: judged by lintian, and installed, upgraded, removed and purged in a root of their own.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, debianRoot, inside, type RootKind } from "./debian-root.ts";
import { emulating } from "./emulation.ts";
import { expect, may, must, type Place, type Trial } from "./trial.ts";

export const packageOf = ({ release, version }: Place, architecture: Architecture) =>
  join(release, `mcr-appliance_${version}_${architecture}.deb`);

export const lintian: Trial = {
  name: "lintian",
  about: ".deb, amd64 and arm64: lintian",
  run: (place) => {
    const packages = (["amd64", "arm64"] as const).map((architecture) => packageOf(place, architecture));
    const { output } = may(["lintian", "--allow-root", "--tag-display-limit", "0", "--fail-on", "none", ...packages]);
    const tags = output.split("\n").filter((line) => /^[EWI]: /.test(line));
    if (tags.length > 0) throw new Error(tags.join("\n"));
    const overridden = readFileSync(join(place.root, "appliance/debian/overrides"), "utf8").match(/^mcr-appliance:/gm);
    return { ran: `clean, with ${overridden?.length ?? 0} explained overrides` };
  },
};

/** The same package as the next version, with another default in a configuration file. */
export function nextVersion(place: Place, architecture: Architecture): string {
  const folder = join(place.scratch, "next");
  must(["dpkg-deb", "-R", packageOf(place, architecture), folder]);
  const control = join(folder, "DEBIAN/control");
  writeFileSync(control, readFileSync(control, "utf8").replace(/^Version: .*/m, "Version: 99.0"));
  for (const path of ["etc/mcr/mcr.json5", "etc/default/mcr"]) appendFileSync(join(folder, path), "\n");
  const outfile = join(place.scratch, "next.deb");
  must(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", folder, outfile]);
  return outfile;
}

/** A package's life in a root: what it brings, what an upgrade keeps, what it leaves behind. */
function live(place: Place, architecture: Architecture, kind: RootKind): string {
  const root = debianRoot(place, kind);
  const at = (path: string) => join(root, path);
  const run = (...command: string[]) => inside(root, ...command);
  must(["cp", packageOf(place, architecture), at("first.deb")]);
  must(["mv", nextVersion(place, architecture), at("next.deb")]);
  run("dpkg", "-i", "/first.deb");
  expect("the program runs", run("mcr-appliance", "--version").includes(place.version));
  expect("there is a user mcr", /^mcr:/m.test(readFileSync(at("etc/passwd"), "utf8")));
  expect("the group mcr owns /etc/mcr", run("stat", "-c", "%G %a", "/etc/mcr").trim() === "mcr 2775");
  expect("the service is enabled", existsSync(at("etc/systemd/system/multi-user.target.wants")));
  const verified = run("systemd-analyze", "--man=no", "verify", "/usr/lib/systemd/system/mcr.service");
  expect(`systemd-analyze verify is silent about the unit: ${verified}`, !verified.includes("mcr.service"));

  appendFileSync(at("etc/mcr/mcr.json5"), "// mine\n");
  run("dpkg", "--force-confold", "-i", "/next.deb");
  const kept = readFileSync(at("etc/mcr/mcr.json5"), "utf8");
  expect("the upgrade keeps edited configuration", kept.endsWith("// mine\n"));
  const brought = readFileSync(at("etc/default/mcr"), "utf8");
  expect("and brings the new default of what nobody edited", brought.endsWith("\n\n"));

  run("dpkg", "--remove", "mcr-appliance");
  expect("the program is gone", !existsSync(at("usr/bin/mcr-appliance")));
  expect("the configuration stays", existsSync(at("etc/mcr/mcr.json5")));
  run("dpkg", "--purge", "mcr-appliance");
  const ours = ["-name", "*mcr*", "-not", "-name", "mcrypt*"];
  const left = run("find", "/etc", "/usr", "/var/lib", "/run", ...ours).trim();
  expect(`nothing is left: ${left}`, left === "");
  return "user, folders, unit enabled and verified; edited configuration kept; nothing left";
}

export const debianPackage: Trial = {
  name: "deb",
  about: ".deb, amd64: install, upgrade, remove, purge in a Debian root",
  run: (place) => ({ ran: live(place, "amd64", "debian-root") }),
};

export const debianPackageArm64: Trial = {
  name: "deb-arm64",
  about: ".deb, arm64: the same in a Debian for arm64, emulated",
  run: (place) => ({ ran: emulating(() => live(place, "arm64", "arm64-root")) }),
};
