// Who could take the control socket's place, or speak to it.
import type { FileFacts } from "./machine.ts";
import { fine, unseen, type Verdict } from "./verdict.ts";

/** `folder`, `file` undefined: not there; `refusal`: neither could be looked at. */
export type ControlFacts = {
  path: string;
  folderPath: string;
  folder: FileFacts | undefined;
  file: FileFacts | undefined;
  isAnswered: boolean;
  refusal: string | undefined;
};

const id = "control-socket";
const bits = { sticky: 0o1000, othersWrite: 0o002, others: 0o006 } as const;

/** Whether the socket's place is safe. */
export function judgeControl(facts: ControlFacts): Verdict[] {
  const { path, folderPath, folder, file, refusal } = facts;
  if (refusal !== undefined) {
    return [unseen(id, `${folderPath} could not be looked at (${refusal}).`)];
  }
  if (folder === undefined) {
    return [fine(id, `${folderPath} is made when the relay starts`)];
  }
  const verdicts = [judgeFolder(facts, folder), ...(file === undefined ? [] : [judgeFile(facts, file)])];
  const wrong = verdicts.filter((verdict) => verdict !== undefined);
  return wrong.length > 0 ? wrong : [fine(id, `${path} is safe where it is`)];
}

function judgeFolder({ folderPath }: ControlFacts, { mode, uid }: FileFacts): Verdict | undefined {
  if ((mode & bits.othersWrite) === 0) {
    return undefined;
  }
  const isSticky = (mode & bits.sticky) !== 0;
  return {
    id,
    severity: isSticky ? "warning" : "error",
    what: `Anybody may write to ${folderPath}, where the control socket is.`,
    why: isSticky
      ? "Another user can take the name before the relay does, and answer in its place."
      : "Another user can put a socket of his own in its place, and is told every command.",
    ...(isSticky
      ? { advice: "Use the default, /run/mcr/control.sock, or another folder that belongs to the relay alone." }
      : {
          commands: [
            { run: ["chmod", "o-w", folderPath] },
            ...(uid === 0 ? [] : [{ run: ["chown", "root", folderPath] as const }]),
          ],
        }),
  };
}

function judgeFile({ path, isAnswered }: ControlFacts, { mode, isSocket }: FileFacts): Verdict | undefined {
  if (!isSocket) {
    return {
      id,
      severity: "error",
      what: `${path} is there and is no socket.`,
      why: "The relay does not start: it does not remove what is not its own.",
      commands: [{ run: ["mv", path, `${path}.aside`] }],
    };
  }
  if ((mode & bits.others) !== 0) {
    return {
      id,
      severity: "error",
      what: `Every user of this machine may connect to ${path}.`,
      why: "Who connects may add, change and remove rules.",
      commands: [{ run: ["chmod", "o=", path] }],
    };
  }
  return isAnswered
    ? undefined
    : {
        id,
        severity: "note",
        what: `${path} is left over from a supervisor that is gone.`,
        why: "The next one takes it over.",
      };
}
