// From zod's issues to one line for an operator: which field, what is wrong, what would be right.
import type { z } from "zod";

/** How many problems one line carries before it only counts the rest. */
const problemsShownMax = 3;

/** `outputs`, 1, `port` -> `output[1].port`. The singular is how MCR's messages name an output. */
export function fieldPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") {
      text = `${text === "outputs" ? "output" : text}[${part}]`;
    } else {
      text = text === "" ? String(part) : `${text}.${String(part)}`;
    }
  }
  return text;
}

/** One issue. Interface names get MCR's wording: `Invalid output_interface in output[1]: …`. */
function problem(issue: z.core.$ZodIssue, subject: string): string {
  const field = issue.path.at(-1);
  if (field === "input_interface") {
    return `Invalid input_interface: ${issue.message}`;
  }
  if (field === "interface" && issue.path.at(-3) === "outputs") {
    return `Invalid output_interface in ${fieldPath(issue.path.slice(0, -1))}: ${issue.message}`;
  }
  return `${issue.path.length === 0 ? subject : fieldPath(issue.path)} ${issue.message}`;
}

/** All of `error` in one line; `subject` names the whole when no field is to blame. */
export function explain(error: z.ZodError, subject: string): string {
  const problems = error.issues.slice(0, problemsShownMax).map((issue) => problem(issue, subject));
  const rest = error.issues.length - problems.length;
  return problems.join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}
