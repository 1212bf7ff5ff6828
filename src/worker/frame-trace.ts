// What becomes of each frame, as log lines: for Trace only. It costs a frame several times what forwarding does, so that it
// hangs on the packet's path (IngressObserver) only while somebody wants it.
import { formatIpv4 } from "../base/ipv4.ts";
import type { LogPipe, LogWriter } from "../log/writer.ts";
import type { RefusalName } from "../relay/counters.ts";
import type { IngressObserver } from "../relay/ingress.ts";
import type { Datagram } from "../relay/parse.ts";
import { swap } from "./byte-order.ts";

/** Names for what the packet's path knows by number. */
export type TraceNames = { link: (capture: number) => string; rule: (serial: number) => string };

export class FrameTrace implements IngressObserver {
  private readonly parser: LogWriter;
  private readonly ingress: LogWriter;
  private readonly names: TraceNames;

  constructor(pipe: LogPipe, names: TraceNames) {
    this.parser = pipe.writer("PacketParser");
    this.ingress = pipe.writer("Ingress");
    this.names = names;
  }

  /** True when its lines would pass: else it is better not to be asked. */
  get isWanted(): boolean {
    return this.parser.passes("Trace") || this.ingress.passes("Trace");
  }

  matched(capture: number, datagram: Datagram, serial: number): void {
    this.sayParsed(capture, datagram);
    if (this.ingress.takes("Trace")) {
      this.ingress.say("Trace", "frame matched", { rule: this.names.rule(serial), datagrams: datagram.count });
    }
  }

  unmatched(capture: number, datagram: Datagram): void {
    this.sayParsed(capture, datagram);
    if (this.ingress.takes("Trace")) {
      this.ingress.say("Trace", "no rule wants this frame", { link: this.names.link(capture) });
    }
  }

  refused(capture: number, reason: RefusalName): void {
    if (this.parser.takes("Trace")) {
      this.parser.say("Trace", `frame refused: ${reason}`, { link: this.names.link(capture) });
    }
  }

  private sayParsed(capture: number, datagram: Datagram): void {
    if (this.parser.takes("Trace")) {
      const port = datagram.portAndProtocol & 0xffff;
      this.parser.say("Trace", "frame parsed", {
        link: this.names.link(capture),
        from: formatIpv4(swap(datagram.sourceWord)),
        to: `${formatIpv4(swap(datagram.destinationWord))}:${port}`,
        protocol: datagram.portAndProtocol >>> 16,
        bytes: datagram.payloadSize,
      });
    }
  }
}
