// One client's connection: read a command, have it handled, write the reply, in this order and one at a time. While a command
// is handled or its reply waits for a slow reader, nothing more is read: the kernel's buffers hold the client back, not our
// memory. Nothing here waits without a deadline, and nothing here makes another client wait.
import type { Socket } from "node:net";
import { BrokenProgram } from "../base/assert.ts";
import { reasonOf } from "../base/outcome.ts";
import type { limits } from "../limits.ts";
import { mayBeLarge, parseCommand } from "./parse.ts";
import type { Access, Peer } from "./peers.ts";
import { CommandReader } from "./reader.ts";
import type { Turns } from "./turns.ts";
import type { Command, Reply } from "./words.ts";

/** Who asks, through which descriptor, and what he may. */
export type ClientInfo = { id: number; descriptor: number; peer: Peer | undefined; access: Access };

/** Carries out one command. Must settle; what it throws is answered as an error. */
export type Handler = (command: Command, client: ClientInfo) => Promise<Reply>;

/** The bounds of a server; `limits` has them all. */
export type ServerLimits = { [K in keyof typeof limits]: number };

/** What the connections of one server share. */
export type Shared = {
  handle: Handler;
  limits: ServerLimits;
  /** Bytes of unfinished commands beyond the small size each, and of replies that wait for their readers. */
  commandBytes: number;
  replyBytes: number;
  /** Connections that are only kept so that a refusal can be read. */
  lingering: number;
  turns: Turns;
  /** Whose command we wait for, and who has a reply to take; each since it is in the set, which keeps the order. */
  asking: Set<Connection>;
  taking: Set<Connection>;
};

/** What only looks, at what may be much. */
const sharedWords: ReadonlySet<Command> = new Set<Command>(["GetStatus", "GetStats", "ListRules", "ListWorkers"]);

type Phase = "reading" | "handling" | "writing" | "closing";

/** One client: its unfinished command, the commands it waits for, the replies it has not taken; all bounded. */
export class Connection {
  readonly #socket: Socket;
  readonly #shared: Shared;
  /** Who asks. */
  readonly client: ClientInfo;
  readonly #reader: CommandReader;
  #phase: Phase = "reading";
  #writingSinceMs = 0;
  #lingeredSize = 0;
  #servedCount = 0;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  /** Our part of `shared.commandBytes`. */
  #pooledBytes = 0;
  #isLingering = false;

  constructor(socket: Socket, client: ClientInfo, shared: Shared) {
    this.#socket = socket;
    this.#shared = shared;
    this.client = client;
    const { commandSizeMax: largeMax, commandPlainSizeMax: plainMax } = shared.limits;
    this.#reader = new CommandReader({ largeMax, plainMax, isLarge: mayBeLarge });
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    // Whatever ended it (reset, broken pipe), "close" follows and does the rest.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#onClose());
    this.#expectCommand(shared.limits.commandWaitMs);
  }

  /** Whether it has kept its reply waiting so long that it may be sent away for a newcomer. */
  get isStalled(): boolean {
    return performance.now() - this.#writingSinceMs >= this.#shared.limits.clientGraceMs;
  }

  /** Whether a command of it was ever read. */
  get isServed(): boolean {
    return this.#servedCount > 0;
  }

  /** Leaves for a newcomer. Who has said nothing is told nothing: thousands of them must not take longer than they are worth. */
  giveWay(): void {
    if (this.#servedCount === 0 && this.#reader.size === 0) {
      this.#socket.destroy();
    } else {
      this.refuse("closed to make room for another client");
    }
  }

  /** Says why, and closes. What the client still sends is dropped. */
  refuse(text: string): void {
    if (this.#phase === "closing") {
      return;
    }
    this.#enter("closing");
    this.#hold(0);
    this.#reader.clear();
    this.#socket.end(`${JSON.stringify({ Error: text })}\n`);
    this.#arm(this.#shared.limits.clientLingerMs, () => this.#socket.destroy());
    if (this.#reader.isDone) {
      return;
    }
    // To close with unread bytes is to reset: the client would lose the text. So read on, a little and not for everybody.
    if (this.#shared.lingering < this.#shared.limits.clientsLingeringMax) {
      this.#isLingering = true;
      this.#shared.lingering++;
      this.#socket.resume();
    } else {
      this.#socket.destroySoon();
    }
  }

  /** Ends at once, unless a command is under way: then after its reply. */
  finish(): void {
    if (this.#phase === "reading") {
      this.#socket.destroy();
    } else {
      this.#reader.clear();
      this.#reader.end();
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #enter(phase: Phase): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    this.#phase = phase;
    const { asking, taking } = this.#shared;
    // Deleted and added again it comes last: who has kept us waiting longest stands first.
    asking.delete(this);
    taking.delete(this);
    if (phase === "reading") {
      asking.add(this);
    } else if (phase === "writing") {
      taking.add(this);
    }
  }

  #arm(waitMs: number, then: () => void): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(then, waitMs);
  }

  #expectCommand(waitMs: number): void {
    this.#enter("reading");
    this.#arm(waitMs, () => {
      if (this.#reader.size === 0) {
        this.#socket.destroy();
      } else {
        this.refuse(`the command was not complete within ${waitMs} ms; end it with a newline`);
      }
    });
  }

  #hold(bytes: number): void {
    this.#shared.commandBytes += bytes - this.#pooledBytes;
    this.#pooledBytes = bytes;
  }

  #onData(chunk: Buffer): void {
    if (this.#phase === "closing") {
      this.#lingeredSize += chunk.length;
      if (this.#lingeredSize > this.#shared.limits.clientLingerSize) {
        this.#socket.destroy();
      }
      return;
    }
    const { commandSmallSize, commandPoolSize, commandWaitMs } = this.#shared.limits;
    const isFirst = this.#reader.size === 0;
    this.#reader.push(chunk);
    if (this.#phase !== "reading") {
      return;
    }
    if (isFirst) {
      // From its first byte a command has so long, however often it sends another one.
      this.#expectCommand(commandWaitMs);
    }
    this.#hold(Math.max(0, this.#reader.size - commandSmallSize));
    if (this.#shared.commandBytes > commandPoolSize) {
      this.refuse("the server holds too many unfinished commands; try again in a moment");
      return;
    }
    void this.#serve();
  }

  #onEnd(): void {
    this.#reader.end();
    if (this.#phase === "reading") {
      void this.#serve();
    } else if (this.#phase === "closing") {
      this.#socket.destroySoon();
    }
  }

  #onClose(): void {
    this.#enter("closing");
    this.#hold(0);
    this.#reader.clear();
    if (this.#isLingering) {
      this.#isLingering = false;
      this.#shared.lingering--;
    }
  }

  /** Answers every complete command that is here. Runs once at a time: only the phase "reading" starts it. */
  async #serve(): Promise<void> {
    for (;;) {
      const taken = this.#reader.take();
      if (taken.kind === "oversize") {
        this.refuse(`the command is larger than ${taken.sizeMax} bytes`);
        return;
      }
      if (taken.kind === "none") {
        this.#rest();
        return;
      }
      this.#enter("handling");
      this.#hold(0);
      this.#socket.pause();
      const ticket = await this.#shared.turns.next(this.#servedCount === 0);
      this.#servedCount++;
      // Who has left meanwhile wants no answer, and pays for none.
      if (this.#phase !== "handling") {
        return;
      }
      const reply = await this.#answer(taken.bytes, ticket);
      if (this.#phase !== "handling" || !(await this.#write(taken.byNewline ? `${reply}\n` : reply))) {
        return;
      }
    }
  }

  /** Nothing to do: wait for the next command, or part. */
  #rest(): void {
    if (this.#reader.isDone) {
      // The kernel has all that we said, and nothing is left to read: to close at once costs nobody a byte.
      this.#socket.destroy();
    } else if (this.#phase === "writing") {
      const { clientIdleMs, commandWaitMs } = this.#shared.limits;
      this.#expectCommand(this.#reader.size === 0 ? clientIdleMs : commandWaitMs);
      this.#socket.resume();
    }
  }

  async #answer(bytes: Uint8Array, ticket: number): Promise<string> {
    const command = parseCommand(bytes);
    if (!command.ok) {
      return JSON.stringify({ Error: command.error });
    }
    const { value } = command;
    const text =
      typeof value === "string" && sharedWords.has(value)
        ? await this.#shared.turns.answer(value, ticket, () => this.#carryOut(value))
        : await this.#carryOut(value);
    const { replySizeMax, replyPoolSize } = this.#shared.limits;
    if (text.length > replySizeMax || this.#shared.replyBytes + text.length > replyPoolSize) {
      return JSON.stringify({
        Error: "the reply is too large for what the server may hold now; try again in a moment",
      });
    }
    return text;
  }

  async #carryOut(command: Command): Promise<string> {
    try {
      return JSON.stringify(await this.#shared.handle(command, this.client));
    } catch (error) {
      if (error instanceof BrokenProgram) {
        throw error;
      }
      return JSON.stringify({ Error: `the command failed: ${reasonOf(error)}` });
    }
  }

  /** True when the kernel has all of it; false when the client left or took too long. */
  #write(reply: string): Promise<boolean> {
    this.#enter("writing");
    this.#writingSinceMs = performance.now();
    this.#shared.replyBytes += reply.length;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const onClose = () => resolve(false);
    this.#socket.once("close", onClose);
    this.#arm(this.#shared.limits.replyWaitMs, () => this.#socket.destroy());
    this.#socket.write(reply, (error) => {
      // After an error "close" follows, and resolves.
      if (!error) {
        resolve(this.#phase === "writing");
      }
    });
    return promise.finally(() => {
      this.#socket.off("close", onClose);
      this.#shared.replyBytes -= reply.length;
    });
  }
}
