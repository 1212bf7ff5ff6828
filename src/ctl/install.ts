// install and uninstall: the files of a package, out of this very file.
import { exitCodes } from "../base/exit.ts";
import type { Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import type { Failure } from "../install/install.ts";
import { scripts } from "./completion/scripts.ts";
import { manPage, pages } from "./man/pages.ts";
import type { Verb, World } from "./verb.ts";

const root = { value: "DIR", summary: "the root of the system to change", default: "/" };
const dryRun = { summary: "say what would be done, and do nothing" };

/** The verb, for the table that it is in: it installs what that table makes. */
export function install(verbs: () => readonly Verb[]): Verb {
  return {
    name: "install",
    chapter: "Run",
    summary: "put this program, its service, manual and completion where they belong",
    details: [
      "Writes what the Debian package ships and says each file; on this machine it also makes the user mcr (OpenWrt: none) and tells systemd. Configuration " +
        "that was edited, or was there before, is left alone. Repeat it with a newer file to upgrade. The service is not started.",
    ],
    usesSocket: false,
    options: {
      root,
      init: { value: "systemd|openrc|procd", summary: "the init system", default: "the one that is there" },
      "dry-run": dryRun,
    },
    examples: [
      { line: "mcr-appliance install --dry-run", does: "see what it would do" },
      { line: "mcr-appliance install --root /mnt --init systemd", does: "into an image" },
    ],
    run: async (given, world) => {
      if (!Bun.main.startsWith("/$bunfs/")) {
        world.complain("mcr-appliance: this is not the executable; 'npm run build' makes it");
        return exitCodes.unavailable;
      }
      // On demand: the files that are installed are text, and the other verbs need none of it.
      const { install: carryOut } = await import("../install/install.ts");
      const paper = {
        pages: Object.entries(pages).map(([name, section]) => ({ name, section, text: manPage(name, verbs()) })),
        completions: scripts,
      };
      const wish = { root: given.text("root") ?? "/", init: given.text("init"), executable: process.execPath, paper };
      return report(world, carryOut(wish, mannerOf(world, given.flag("dry-run"))));
    },
  };
}

export const uninstall: Verb = {
  name: "uninstall",
  chapter: "Run",
  summary: "take away what 'install' put there",
  details: ["Stops the service first. Configuration that was edited stays, unless --purge is given."],
  usesSocket: false,
  options: { root, "dry-run": dryRun, purge: { summary: "remove edited configuration too" } },
  examples: [{ line: "mcr-appliance uninstall --dry-run", does: "see what it would do" }],
  run: async (given, world) => {
    const { uninstall: carryOut } = await import("../install/install.ts");
    const wish = { root: given.text("root") ?? "/", isPurge: given.flag("purge") };
    return report(world, carryOut(wish, mannerOf(world, given.flag("dry-run"))));
  },
};

function mannerOf(world: World, isDry: boolean) {
  return { isDry, say: (line: string) => world.say(printable(line)) };
}

function report(world: World, outcome: Outcome<string, Failure>): number {
  if (outcome.ok) {
    world.say(outcome.value);
    return exitCodes.ok;
  }
  world.complain(`mcr-appliance: ${printable(outcome.error.text)}`);
  return outcome.error.exit;
}
