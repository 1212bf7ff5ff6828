// completion prints a shell's script; complete is what those scripts ask.
import { printable } from "../base/printable.ts";
import { usage } from "./answer.ts";
import { candidatesOf } from "./completion/candidates.ts";
import { scripts } from "./completion/scripts.ts";
import { wishOf } from "./completion/wish.ts";
import { pageNames } from "./man/pages.ts";
import type { Verb } from "./verb.ts";

const shells = Object.keys(scripts);

export const completion: Verb = {
  name: "completion",
  chapter: "Help",
  summary: "print a script that completes commands, rules and interfaces",
  usesSocket: false,
  positionals: [shells.join("|")],
  options: {},
  examples: [
    { line: 'eval "$(mcr-appliance completion bash)"', does: "in this shell, or from ~/.bashrc" },
    {
      line: "mcr-appliance completion bash > /etc/bash_completion.d/mcr-appliance",
      does: "for everybody; zsh: _mcr-appliance in a folder of $fpath; fish: ~/.config/fish/completions/mcr-appliance.fish",
    },
  ],
  run: async (given, world) => {
    const [shell = ""] = given.positionals;
    const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (script === undefined) {
      return usage(world, `'completion' needs one of ${shells.join(", ")}, not '${printable(shell)}'`);
    }
    world.say(script.trimEnd());
    return 0;
  },
};

/** The verb that answers the scripts: a line for each candidate, its purpose behind a tab; `:files` for files. */
export function complete(verbs: () => readonly Verb[]): Verb {
  return {
    name: "complete",
    chapter: "Help",
    hidden: true,
    summary: "what may stand where the cursor is, for completion scripts",
    usesSocket: true,
    positionals: ["WORD..."],
    options: {},
    examples: [{ line: "mcr-appliance complete -- remove --na", does: "what a script asks" }],
    run: async (given, world) => {
      const words = given.positionals;
      const typed = words.at(-1) ?? "";
      const socket = words.indexOf("--socket-path");
      const found = await candidatesOf(wishOf(words, verbs()), {
        ask: world.ask,
        socketPath: socket < 0 ? undefined : words[socket + 1],
        verbs: verbs().flatMap(({ hidden, name, summary }) => (hidden === true ? [] : [{ word: name, summary }])),
        pages: pageNames,
      });
      const lines =
        found === "files"
          ? [":files"]
          : found
              // A word that would break the line, or move a cursor, is better typed by hand.
              .filter(({ word }) => word.startsWith(typed) && printable(word) === word)
              .map(({ word, summary }) => (summary === "" ? word : `${word}\t${printable(summary)}`));
      if (lines.length > 0) {
        world.say(lines.join("\n"));
      }
      return 0;
    },
  };
}
