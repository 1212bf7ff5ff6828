// The supervisor's end of the control socket. It knows sockets and bounds; what a command does is the injected handler's.
import { createServer, type Server, type Socket } from "node:net";
import { done, type Outcome } from "../base/outcome.ts";
import { limits } from "../limits.ts";
import { duplicate } from "../shim/process.ts";
import { type ClientInfo, Connection, type Handler, type ServerLimits, type Shared } from "./connection.ts";
import { type AccessPolicy, accessOf, descriptorOf, type Peer, peerOf } from "./peers.ts";
import { acceptFrom, bindPath, clearPath, fileIdentity, releasePath, type ServerFailure } from "./socketfile.ts";
import { Turns } from "./turns.ts";

export type { ClientInfo, Handler, ServerFailure };

/** Where to listen, who answers, who may ask (root and our own user in any case), and (in tests) other bounds than `limits`. */
export type ServerOptions = {
  path: string;
  handle: Handler;
  policy?: AccessPolicy;
  limits?: Partial<ServerLimits>;
  /** The socket of the supervisor before us, which listens already. */
  inherited?: ListeningSocket;
};

/** A socket that listens, and which file it made. */
export type ListeningSocket = { fd: number; identity: string | undefined };

/** Starts a control server at `path`, mode 0660; or says why not, in particular when a live one is there already. */
export async function openControlServer(options: ServerOptions): Promise<Outcome<ControlServer, ServerFailure>> {
  const socket = options.inherited === undefined ? await openSocket(options.path) : done(options.inherited);
  if (!socket.ok) {
    return socket;
  }
  const server = new ControlServer(options);
  const listening = await server.listen(socket.value);
  return listening.ok ? done(server) : listening;
}

async function openSocket(path: string): Promise<Outcome<ListeningSocket, ServerFailure>> {
  const cleared = await clearPath(path);
  const bound = cleared.ok ? bindPath(path) : cleared;
  return bound.ok ? done({ fd: bound.value, identity: fileIdentity(path) }) : bound;
}

/** A listening control server; made by `openControlServer`. */
export class ControlServer {
  readonly path: string;
  readonly #policy: AccessPolicy;
  readonly #shared: Shared;
  readonly #clients = new Set<Connection>();
  #server = this.#make();
  #fileIdentity: string | undefined;
  #descriptor = -1;
  #clientCountTotal = 0;
  #refusedTotal = 0;

  constructor({ path, handle, policy, limits: changed }: ServerOptions) {
    this.path = path;
    this.#policy = policy ?? { uid: process.geteuid?.() ?? 0 };
    this.#shared = {
      handle,
      limits: { ...limits, ...changed },
      commandBytes: 0,
      replyBytes: 0,
      lingering: 0,
      turns: new Turns(),
      asking: new Set(),
      taking: new Set(),
    };
  }

  /** Connections now. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /** Connections that were turned away or had to give way. */
  get refusedTotal(): number {
    return this.#refusedTotal;
  }

  /** For `openControlServer`. */
  listen({ fd, identity }: ListeningSocket): Promise<Outcome<void, ServerFailure>> {
    this.#descriptor = fd;
    this.#fileIdentity = identity;
    return acceptFrom(this.#server, fd);
  }

  /**
   * Accepts no more, though nobody is refused: who comes waits in the kernel's line. Answers who is here, save client `except`, and
   * sends home who only listens; bounded. Returns the socket, to hand it on or to give it back to listen(), and whether all is quiet.
   */
  async hold(except: number | undefined): Promise<{ socket: ListeningSocket; isQuiet: boolean }> {
    const socket = { fd: duplicate(this.#descriptor), identity: this.#fileIdentity };
    this.#server.close();
    this.#server = this.#make();
    const deadline = performance.now() + this.#shared.limits.clientCloseWaitMs;
    const others = () => [...this.#clients].filter(({ client }) => client.id !== except);
    for (let left = others(); left.length > 0 && performance.now() < deadline; left = others()) {
      // Whose first command has not come has it on the way.
      for (const client of left.filter(({ isServed }) => isServed)) {
        client.finish();
      }
      await Bun.sleep(limits.orderRetryMs);
    }
    for (const client of others()) {
      client.finish();
    }
    return { socket, isQuiet: others().length === 0 };
  }

  /** Accepts no more, lets commands under way be answered for a moment, removes the socket file if it is still ours. */
  async close(): Promise<void> {
    const deadline = setTimeout(() => this.#destroyAll(), this.#shared.limits.clientCloseWaitMs);
    for (const client of this.#clients) {
      client.finish();
    }
    releasePath(this.path, this.#fileIdentity);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    clearTimeout(deadline);
    this.#destroyAll();
  }

  #make(): Server {
    return createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  #destroyAll(): void {
    for (const client of this.#clients) {
      client.destroy();
    }
  }

  #accept(socket: Socket): void {
    this.#clientCountTotal++;
    const peer = peerOf(socket);
    const access = accessOf(peer, this.#policy);
    const isWelcome = access !== "none";
    const hasRoom = !isWelcome || this.#clients.size < this.#shared.limits.clientsMax || this.#makeRoom();
    const connection = new Connection(
      socket,
      { id: this.#clientCountTotal, descriptor: descriptorOf(socket), peer, access },
      this.#shared,
    );
    if (!isWelcome || !hasRoom) {
      const full = `too many clients (${this.#shared.limits.clientsMax}); try again in a moment`;
      this.#refusedTotal++;
      connection.refuse(isWelcome ? full : refusalText(peer));
      return;
    }
    this.#clients.add(connection);
    socket.on("close", () => this.#clients.delete(connection));
  }

  /**
   * Sends away who has kept us waiting longest: for its command, or, when everybody has sent one, for taking its reply. Connections
   * that say nothing, or never read, must not lock an operator out.
   */
  #makeRoom(): boolean {
    const { asking, taking } = this.#shared;
    const [longest] = asking;
    const [stalled] = taking;
    const leaving = longest ?? (stalled?.isStalled ? stalled : undefined);
    if (leaving === undefined) {
      return false;
    }
    this.#refusedTotal++;
    this.#clients.delete(leaving);
    leaving.giveWay();
    return true;
  }
}

function refusalText(peer: Peer | undefined): string {
  const who = peer === undefined ? "Who you are cannot be told" : `User ${peer.uid} may not use this socket`;
  return `${who}. Root and members of the group mcr may; a group that may only look is named with 'supervise --read-group'.`;
}
