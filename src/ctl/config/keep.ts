// config save, show, history: what runs as a file, and the versions there were.
import { resolve } from "node:path";
import { printable } from "../../base/printable.ts";
import { print } from "../../config/print.ts";
import type { ListedVersion } from "../../control/config-words.ts";
import { askAndShow, usage } from "../answer.ts";
import { numberOf } from "../outputs.ts";
import { table } from "../table.ts";
import type { Given, World } from "../verb.ts";
import { showPlan } from "./show-plan.ts";

/** Has the supervisor write what runs. */
export function save(given: Given, world: World): Promise<number> {
  const [file] = given.positionals;
  const path = file === undefined ? null : resolve(file);
  return askAndShow(world, { SaveConfig: { path, force: given.flag("force") } }, "Success", printable);
}

/** What runs now, or what a version was, as JSON5. */
export function show(given: Given, world: World): Promise<number> {
  const text = given.text("version");
  if (text === undefined) {
    return askAndShow(world, "GetConfig", "Config", (config) => print(withoutNulls(config)));
  }
  const version = numberOf(text);
  if (typeof version === "string") {
    return Promise.resolve(usage(world, `--version needs a number, not '${printable(version)}'`));
  }
  return askAndShow(world, { ShowConfigVersion: { version } }, "ConfigVersion", (found) =>
    // What changed stands in comments: the whole can be put into a file.
    [
      `version ${found.version.version}, ${found.version.time}, ${describeCause(found.version)}`,
      ...showPlan(found.plan).split("\n"),
    ]
      .map((line) => `// ${line}`.trimEnd())
      .concat(found.text.trimEnd())
      .join("\n"),
  );
}

/** All versions that are kept. */
export function history(_: Given, world: World): Promise<number> {
  return askAndShow(world, "ListConfigVersions", "ConfigVersions", (versions) =>
    table(
      [
        { head: "VERSION", align: "right" },
        { head: "TIME" },
        { head: "BY" },
        { head: "ADDED", align: "right" },
        { head: "REMOVED", align: "right" },
        { head: "CHANGED", align: "right" },
        { head: "SETTINGS", align: "right" },
      ],
      versions.map((each) => [
        String(each.version),
        each.time,
        describeCause(each),
        ...[each.added, each.removed, each.changed, each.settings].map(String),
      ]),
    ),
  );
}

function describeCause({ how, uid }: ListedVersion): string {
  return uid === undefined ? how : `${how}, uid ${uid}`;
}

/** The wire says null for what is not set; a file leaves it out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutNulls);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => (member === null ? [] : [[key, withoutNulls(member)]])),
  );
}
