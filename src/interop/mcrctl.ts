// mcrctl: MCR's control client (INTEROP.md 1.2). One request, its reply as pretty JSON on standard output, an exit code of 0, 1 or 2.
import { done, failed, type Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { programVersion } from "../base/version.ts";
import { exchange } from "../control/client.ts";
import { limits } from "../limits.ts";
import { call } from "./call.ts";
import type { Program } from "./clap.ts";
import type { CtlCommand } from "./mcrctl-command.ts";
import { ctlCommands } from "./mcrctl-commands.ts";
import { text } from "./mcrctl-options.ts";
import { asMcr } from "./replies.ts";
import type { Stage } from "./stage.ts";

const socketPathDefault = "/run/mcr/control.sock";

const program: Program<CtlCommand> = {
  name: "mcrctl",
  version: programVersion,
  about: "Control a running multicast relay",
  options: {
    "socket-path": {
      value: "PATH",
      alias: "control-socket-path",
      about: "Control socket of the daemon; also MCR_SOCKET",
      default: socketPathDefault,
    },
  },
  anywhere: {},
  commands: ctlCommands,
};

/** Runs `mcrctl …args`; returns the exit code. */
export async function run(args: readonly string[], stage: Stage): Promise<number> {
  const line = call(program, args, stage);
  if (line.kind === "over") return line.code;
  const { command, given } = line;
  const path = text(given, "socket-path") ?? (stage.environment["MCR_SOCKET"] || socketPathDefault);
  const request = command?.request(given, stage.complain) ?? failed("no command");
  const reply = request.ok ? await ask(path, request.value) : request;
  if (!reply.ok) {
    stage.complain(`Error: ${reply.error}`);
    return 1;
  }
  const { answer, warning } = withoutWarning(reply.value);
  if (warning !== undefined) {
    stage.complain(`Warning: ${warning}`);
  }
  stage.say(JSON.stringify(asMcr(answer), null, 2));
  return isError(reply.value) ? 1 : 0;
}

async function ask(path: string, request: unknown): Promise<Outcome<unknown>> {
  const received = await exchange(path, `${JSON.stringify(request)}\n`, limits.replyPatienceMs);
  if (!received.ok) {
    return failed(received.error.text);
  }
  const reply = received.value.toString("utf8");
  if (reply.trim() === "") {
    return failed("the daemon closed the connection without a reply; its log says why");
  }
  try {
    return done(JSON.parse(reply, keepNumber));
  } catch {
    return failed(`the reply is not JSON: ${reply.slice(0, 200)}`);
  }
}

/** What our daemon adds to MCR's words is not for who compares the text. */
function withoutWarning(reply: unknown): { answer: unknown; warning?: string } {
  const text = typeof reply === "object" && reply !== null && "Success" in reply ? reply.Success : undefined;
  const [, answer, warning] = /^(Rule .* added); warning: (.*)$/s.exec(String(text)) ?? [];
  return answer === undefined || warning === undefined
    ? { answer: reply }
    : { answer: { Success: answer }, warning: printable(warning) };
}

/** ECMAScript's JSON.parse source text access, which TypeScript's library does not know yet. */
type RawJson = { rawJSON(text: string): unknown };

/** Numbers are printed as they came: 1.0 stays 1.0, and 64 bits stay exact. */
function keepNumber(_key: string, value: unknown, context?: { source: string }): unknown {
  return typeof value === "number" && context !== undefined
    ? (JSON as unknown as RawJson).rawJSON(context.source)
    : value;
}

function isError(reply: unknown): boolean {
  return typeof reply === "object" && reply !== null && "Error" in reply;
}
