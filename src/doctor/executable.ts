// The file itself: rights that it would give to whoever starts it, and who may change it.
import { fine, unseen, type Verdict } from "./verdict.ts";

/** `mode`: permission bits of stat(2). `hasCapabilities` undefined: it could not be asked. */
export type ExecutableFacts = {
  path: string;
  mode: number;
  uid: number;
  hasCapabilities: boolean | undefined;
};

const bits = { setUid: 0o4000, setGid: 0o2000, othersWrite: 0o002 } as const;

/** Whether the file hands out rights, or takes changes from anybody. */
export function judgeExecutable({ path, mode, hasCapabilities }: ExecutableFacts): Verdict[] {
  const why = "Whoever may start it gets these rights, and its runtime runs any code for BUN_OPTIONS or BUN_BE_BUN.";
  const verdicts: Verdict[] = [];
  if (hasCapabilities === true) {
    verdicts.push({
      id: "file-capabilities",
      severity: "error",
      what: `${path} carries file capabilities.`,
      why,
      commands: [{ run: ["setcap", "-r", path] }],
      advice: "Give them to the service instead: AmbientCapabilities=.",
    });
  }
  if ((mode & (bits.setUid | bits.setGid)) !== 0) {
    verdicts.push({
      id: "setuid",
      severity: "error",
      what: `${path} is ${(mode & bits.setUid) !== 0 ? "setuid" : "setgid"}.`,
      why,
      commands: [{ run: ["chmod", "u-s,g-s", path] }],
    });
  }
  if ((mode & bits.othersWrite) !== 0) {
    verdicts.push({
      id: "writable",
      severity: "error",
      what: `Anybody may change ${path}.`,
      why: "The next start runs what they put there, with the relay's rights.",
      commands: [{ run: ["chmod", "o-w", path] }],
    });
  }
  if (hasCapabilities === undefined) {
    verdicts.push(unseen("file-capabilities", `Whether ${path} carries file capabilities could not be asked.`));
  }
  return verdicts.length === 0 ? [fine("executable", `${path} gives no rights away`)] : verdicts;
}
