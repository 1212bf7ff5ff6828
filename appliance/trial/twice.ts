// Reproducible: the same commit, built again in another place with nothing compiled before, gives the same bytes.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { executableFor, may, must, said, type Trial } from "./trial.ts";

const again = ["linux-x64", "linux-arm64-musl"];

export const twice: Trial = {
  name: "twice",
  about: `built twice (${again.join(", ")}, with their packages): the same bytes`,
  run: (place) => {
    const { root, release, work, scratch } = place;
    // The release's own commit, whatever was done since.
    const commit = said(must([executableFor(place, "linux-x64"), "--version", "--verbose"]), "commit");
    if (commit.endsWith("-dirty")) return { skipped: "the release has changes in it that were not committed" };
    const tree = join(scratch, "tree");
    const out = join(scratch, "out");
    must(["git", "clone", "-q", root, tree]);
    must(["git", "-c", "advice.detachedHead=false", "checkout", "-q", commit], { cwd: tree });
    must(["cp", "-al", join(root, "node_modules"), join(tree, "node_modules")]);
    must(["mkdir", "-p", join(tree, "build/release")]);
    for (const fetched of ["debian", "runtime"])
      must(["cp", "-al", join(work, fetched), join(tree, "build/release", fetched)]);
    const bun = [process.execPath];
    must([...bun, "appliance/build.ts"], { cwd: tree });
    must([...bun, "appliance/release.ts", "--out", out, ...again.flatMap((name) => ["--only", name])], { cwd: tree });
    const names = readdirSync(out).filter((name) => name !== "SHA256SUMS");
    const different = names.filter((name) => may(["cmp", join(release, name), join(out, name)]).exitCode !== 0);
    if (different.length > 0) throw new Error(`different: ${different.join(", ")}`);
    return { ran: `${names.length} files alike: ${names.join(", ")}` };
  },
};
