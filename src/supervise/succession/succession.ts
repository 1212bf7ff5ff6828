// Hands over to the program that is on disk now, which this process becomes (execve): its id stays, and with it what a service manager
// knows of it, and its workers stay its children. They relay on while it has no supervisor. Until the call that makes it another
// program everything can be taken back, and whatever could keep that program from taking over was tried by it before, in a
// process of its own.
import { programVersion } from "../../base/version.ts";
import type { ClientInfo } from "../../control/connection.ts";
import type { ControlServer, ListeningSocket } from "../../control/server.ts";
import type { Reply } from "../../control/words.ts";
import { limits } from "../../limits.ts";
import type { Log } from "../../log/forward.ts";
import { clearAmbient, raiseAmbient } from "../../shim/capabilities.ts";
import { errnoName } from "../../shim/errno.ts";
import { execute } from "../../shim/execute.ts";
import { shim } from "../../shim/library.ts";
import { duplicate, ignoreSignals, keepOnExec } from "../../shim/process.ts";
import type { House } from "../house.ts";
import { bequestOf } from "../workers/place.ts";
import { environmentFor, holdText } from "./calling.ts";
import { identityOf, type Program } from "./program.ts";
import { rehearsalOf } from "./rehearsal.ts";
import { testament } from "./testament.ts";
import { descriptorsOf, type PlaceWill, type Will, writeWill } from "./will.ts";

/** What it stands on. `flush`: what was logged is out, as far as somebody reads it. */
export type SuccessionParts = {
  house: House;
  server: ControlServer;
  program: Program;
  hasOwnIpc: boolean;
  log: Pick<Log, "say">;
  flush: () => Promise<void>;
};

const advice = "The old program goes on as before";

/** The way to the next program; one at a time. */
export class Succession {
  private readonly parts: SuccessionParts;
  private isUnderWay = false;

  constructor(parts: SuccessionParts) {
    this.parts = parts;
  }

  /** Does not return when it succeeds: then the successor answers `client`. Else says why, and nothing has changed. */
  async reload(client?: ClientInfo): Promise<Reply> {
    const { log, program } = this.parts;
    if (this.isUnderWay) {
      return { Error: "another program is taking over already; ask again when it has" };
    }
    this.isUnderWay = true;
    const problem = await this.tryAll(client).finally(() => {
      this.isUnderWay = false;
    });
    const text = `${program.path} does not take over: ${problem}. ${advice}.`;
    log.say("Error", text);
    return { Error: text };
  }

  private async tryAll(client: ClientInfo | undefined): Promise<string> {
    const { program, house, log } = this.parts;
    const before = identityOf(program);
    if (!before.ok) {
      return before.error;
    }
    const places = await this.restingPlaces();
    if (places === undefined) {
      return "a worker has not acknowledged its orders; look at 'mcr-appliance workers' and try again";
    }
    const able = await this.rehearse(places);
    if (!able.ok) {
      return able.error;
    }
    const after = identityOf(program);
    if (!after.ok || after.value !== before.value) {
      return "the file was replaced while it was tried; try again";
    }
    log.say("Notice", "handing over to the program on disk", {
      path: program.path,
      version: able.value,
      workers: house.workers.runningCount,
    });
    return this.handOver(client);
  }

  /** With numbers for descriptors that mean nothing there. */
  private rehearse(places: PlaceWill[]): ReturnType<typeof rehearsalOf> | Promise<{ ok: false; error: string }> {
    const { house, hasOwnIpc, program } = this.parts;
    const socket = { fd: 3, identity: undefined };
    const fd = holdText(writeWill(testament(house, { hasOwnIpc, socket, client: undefined, places })));
    if (typeof fd !== "number") {
      return Promise.resolve({ ok: false, error: fd.refused });
    }
    return rehearsalOf(program, fd).finally(() => shim.mcr_close(fd));
  }

  private async handOver(client: ClientInfo | undefined): Promise<string> {
    const { server, house, log } = this.parts;
    const { socket, isQuiet } = await server.hold(client?.id);
    const goOn = async (problem: string) => {
      const listening = await server.listen(socket);
      if (!listening.ok) {
        log.say("Error", `the control socket is lost: ${listening.error.text}`);
      }
      return problem;
    };
    if (!isQuiet) {
      return goOn("a client's command is still under way; try again");
    }
    const hadSpare = house.workers.sparePid !== undefined;
    await house.workers.spare.end();
    // In their line no change is half made, and none begins.
    const problem = await house.relaying.turns.take(() => this.become(socket, client));
    if (hadSpare) {
      house.workers.spare.resume();
    }
    return goOn(problem);
  }

  /** Waits until no worker owes an answer, bounded. */
  private async restingPlaces(): Promise<PlaceWill[] | undefined> {
    const { workers } = this.parts.house;
    const deadline = performance.now() + limits.heartbeatWaitMs;
    for (;;) {
      const places = bequestOf(workers.places);
      if (places !== undefined || performance.now() > deadline) {
        return places;
      }
      await Bun.sleep(limits.orderRetryMs);
    }
  }

  private async become(socket: ListeningSocket, client: ClientInfo | undefined): Promise<string> {
    const { house, hasOwnIpc, flush } = this.parts;
    await flush();
    const places = await this.restingPlaces();
    if (places === undefined) {
      return "a worker has not acknowledged its orders; look at 'mcr-appliance workers' and try again";
    }
    // From here on nothing waits: what the will says stays true.
    const answerTo = client === undefined ? undefined : duplicate(client.descriptor);
    const asker = answerTo === undefined || answerTo < 0 ? undefined : answerTo;
    const refused = this.execute(testament(house, { hasOwnIpc, socket, client: asker, places }));
    if (asker !== undefined) {
      shim.mcr_close(asker);
    }
    return refused;
  }

  private execute(will: Omit<Will, "format">): string {
    const fd = holdText(writeWill(will));
    if (typeof fd !== "number") {
      return fd.refused;
    }
    const kept = [fd, ...descriptorsOf(will)];
    for (const each of kept) {
      keepOnExec(each, true);
    }
    const obeySignals = ignoreSignals(["SIGHUP", "SIGUSR2"]);
    raiseAmbient();
    const { path, args } = this.parts.program;
    const result = execute(path, args, environmentFor("heir", fd));
    clearAmbient();
    obeySignals();
    for (const each of kept) {
      keepOnExec(each, false);
    }
    shim.mcr_close(fd);
    return `it could not be executed (${errnoName(result)}); is it a program for this machine, of version ${programVersion} or later?`;
  }
}
