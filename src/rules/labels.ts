// What an operator says of a rule without changing what it relays: words for people, tags to pick rules by.
import { z } from "zod";
import { limits } from "../limits.ts";
import { found, list, text, wrongType } from "./fields.ts";

/** What a tag is made of, in words and as a pattern: nothing that a shell, a comma-separated list or a table would take apart. */
export const tagWords = `1 to ${limits.ruleTagSizeMax} letters, digits and . _ : / -, beginning with a letter or digit`;
const tagPattern = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._:/-]{0,${limits.ruleTagSizeMax - 1}}$`);

/** One tag. Capital letters are other letters. */
export const tag = z
  .string({ error: wrongType("a tag") })
  .meta({ pattern: tagPattern.source })
  .check((context) => {
    if (!tagPattern.test(context.value)) {
      const message = `must be ${tagWords}, not ${found(context.value)}`;
      context.issues.push({ code: "custom", message, input: context.value });
    }
  });

/** The tags of a rule, each once, in the order of who wrote them. */
export const tags = list(tag, "tags", limits.ruleTagsMax).check((context) => {
  const twice = context.value.find((each, index) => context.value.indexOf(each) !== index);
  if (twice !== undefined) {
    context.issues.push({ code: "custom", message: `has ${found(twice)} twice`, input: context.value });
  }
});

/** A line for people. */
export const description = text("a description", limits.ruleDescriptionSizeMax);

/** What a rule says of itself; absent means the same as true, no words, no tags. */
export type Labels = {
  enabled?: boolean | undefined;
  description?: string | undefined;
  tags?: string[] | undefined;
};

/** The same, without what goes without saying: of two rules that mean the same there is one form. */
export function plainLabels({ enabled, description: words, tags: given }: Labels): {
  enabled?: false;
  description?: string;
  tags?: string[];
} {
  return {
    ...(enabled === false ? { enabled } : {}),
    ...(words === undefined || words === "" ? {} : { description: words }),
    ...(given === undefined || given.length === 0 ? {} : { tags: given }),
  };
}

/** Whether a rule relays at all; a disabled one is kept, and holds nothing. */
export function isEnabled({ enabled }: Pick<Labels, "enabled">): boolean {
  return enabled !== false;
}
