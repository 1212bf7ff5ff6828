// The bill of materials: what is inside the executables, as CycloneDX 1.5. Its time is the commit's, so that two builds are alike.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import about from "../../package.json" with { type: "json" };

/** What was linked in, beside the packages of npm. */
export type Parts = { liburing: string; commit: string; time: Date };

const packageFile = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** JSON text; `root` has node_modules. */
export function billOfMaterials(root: string, { liburing, commit, time }: Parts): string {
  // @types and tools are not in the executable.
  const packages = Object.keys(about.dependencies).map((name) =>
    packageFile.parse(JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"))),
  );
  const components = packages.map(({ name, version, license }) => ({
    type: name === "bun" ? "platform" : "library",
    "bom-ref": `pkg:npm/${name}@${version}`,
    name,
    version,
    licenses: [{ license: { id: license } }],
    purl: `pkg:npm/${name}@${version}`,
    ...(name === "bun" ? { description: bunDescription } : {}),
  }));
  const uring = {
    type: "library",
    "bom-ref": `pkg:deb/debian/liburing@${liburing}`,
    name: "liburing",
    version: liburing,
    // Its headers and sources may be had under either; MIT is what is taken here.
    licenses: [{ expression: "LGPL-2.1-or-later OR MIT" }],
    purl: `pkg:deb/debian/liburing@${liburing}`,
    description: "linked statically into the shim",
  };
  const parts = [...components, uring];
  const self = `pkg:generic/${about.name}@${about.version}`;
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      timestamp: time.toISOString(),
      component: {
        type: "application",
        "bom-ref": self,
        name: about.name,
        version: about.version,
        licenses: [{ license: { id: about.license } }],
        purl: self,
        properties: [{ name: "commit", value: commit }],
      },
    },
    components: parts,
    dependencies: [{ ref: self, dependsOn: parts.map((part) => part["bom-ref"]) }],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

const bunDescription =
  "the runtime that the executable is made of; it holds JavaScriptCore, BoringSSL and others, see LICENSE.md of oven-sh/bun";
