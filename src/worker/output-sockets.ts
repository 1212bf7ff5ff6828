// Sockets that have arrived beside orders and wait for the rule that names them. Each goes to one output, which owns it
// from then on and closes it; what the rule does not take is closed here. So no descriptor ever has two owners, even when a
// socket is announced twice (a worker born during a change) or its output is still on the way out (a change taken back).

/** Sockets between their arrival and their output. */
export class OutputSockets {
  private readonly arrived = new Map<number, number>();
  private readonly close: (fd: number) => void;

  /** `close` ends a descriptor that nobody wants. */
  constructor(close: (fd: number) => void) {
    this.close = close;
  }

  /** Takes `fds`, announced under `ids` in this order; what is missing is said, and then none is kept. */
  arrive(ids: readonly number[], fds: readonly number[]): string | undefined {
    if (fds.length < ids.length) {
      for (const fd of fds) {
        this.close(fd);
      }
      return `${ids.length} sockets were announced, ${fds.length} arrived`;
    }
    for (const [at, id] of ids.entries()) {
      this.forget(id);
      this.arrived.set(id, fds[at] as number);
    }
    return undefined;
  }

  /** The socket that arrived under `id`, undefined when there is none. It stays here until it is claimed. */
  find(id: number): number | undefined {
    return this.arrived.get(id);
  }

  /** The same, for an output that has it from now on; none is -1. */
  claim(id: number): number {
    const fd = this.arrived.get(id) ?? -1;
    this.arrived.delete(id);
    return fd;
  }

  /** The order that the sockets came for has been carried out: closes those it did not take. */
  sweep(): void {
    for (const id of [...this.arrived.keys()]) {
      this.forget(id);
    }
  }

  private forget(id: number): void {
    const fd = this.arrived.get(id);
    this.arrived.delete(id);
    if (fd !== undefined) {
      this.close(fd);
    }
  }
}
