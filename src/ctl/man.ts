// man: the manual pages, as roff.
import { suggestion } from "../base/nearest.ts";
import { printable } from "../base/printable.ts";
import { usage } from "./answer.ts";
import { manPage, pageNames } from "./man/pages.ts";
import type { Verb } from "./verb.ts";

/** The verb, for the table that it is in. */
export function man(verbs: () => readonly Verb[]): Verb {
  const [first = ""] = pageNames;
  return {
    name: "man",
    chapter: "Help",
    summary: "print a page of the manual, for 'man -l -' or a file",
    details: [`Pages: ${pageNames.join(", ")}. Without PAGE: ${first}.`],
    usesSocket: false,
    positionals: ["PAGE"],
    options: {},
    examples: [
      { line: "mcr-appliance man | man -l -", does: "read it" },
      {
        line: "mcr-appliance man mcr.json5 > /usr/local/share/man/man5/mcr.json5.5",
        does: "install a page; the others are of section 8",
      },
    ],
    run: async (given, world) => {
      const [name = first] = given.positionals;
      if (!pageNames.includes(name)) {
        const near = suggestion(name, [...pageNames]);
        return usage(world, `no page '${printable(name)}'; there are ${pageNames.join(", ")}.${near}`);
      }
      world.say(manPage(name, verbs()));
      return 0;
    },
  };
}
