// What becomes of each frame, as log lines: for Trace only. It costs a frame several times what forwarding does, so that it
// hangs on the packet's path (IngressObserver) only while somebody wants it.
import { swap } from "../base/byte-order.ts";
import { formatIpv4 } from "../base/ipv4.ts";
import type { LogPipe, LogWriter } from "../log/writer.ts";
import type { RefusalName } from "../relay/counters.ts";
import type { IngressObserver } from "../relay/ingress.ts";
import type { Datagram } from "../relay/parse.ts";

/** Names for what the packet's path knows by serial number; both grow and shrink under the trace. */
type Links = ReadonlyMap<number, { link: string }>;
type Rules = ReadonlyMap<number, { rule_id: string }>;

/** Writes up to two lines a frame: what it was (PacketParser), and what became of it (Ingress). */
export class FrameTrace implements IngressObserver {
  private readonly parser: LogWriter;
  private readonly ingress: LogWriter;
  private readonly links: Links;
  private readonly rules: Rules;

  constructor(pipe: LogPipe, links: Links, rules: Rules) {
    this.parser = pipe.writer("PacketParser");
    this.ingress = pipe.writer("Ingress");
    this.links = links;
    this.rules = rules;
  }

  /** True when its lines would pass: else it is better not to be asked. */
  get isWanted(): boolean {
    return this.parser.passes("Trace") || this.ingress.passes("Trace");
  }

  matched(capture: number, datagram: Datagram, serial: number): void {
    this.sayParsed(capture, datagram);
    if (this.ingress.takes("Trace")) {
      this.ingress.say("Trace", "frame matched", {
        rule: this.rules.get(serial)?.rule_id ?? serial,
        datagrams: datagram.count,
      });
    }
  }

  unmatched(capture: number, datagram: Datagram): void {
    this.sayParsed(capture, datagram);
    if (this.ingress.takes("Trace")) {
      this.ingress.say("Trace", "no rule wants this frame", { link: this.link(capture) });
    }
  }

  refused(capture: number, reason: RefusalName): void {
    if (this.parser.takes("Trace")) {
      this.parser.say("Trace", `frame refused: ${reason}`, { link: this.link(capture) });
    }
  }

  private link(capture: number): string {
    return this.links.get(capture)?.link ?? `capture ${capture}`;
  }

  private sayParsed(capture: number, datagram: Datagram): void {
    if (this.parser.takes("Trace")) {
      const port = datagram.portAndProtocol & 0xffff;
      this.parser.say("Trace", "frame parsed", {
        link: this.link(capture),
        from: formatIpv4(swap(datagram.sourceWord)),
        to: `${formatIpv4(swap(datagram.destinationWord))}:${port}`,
        protocol: datagram.portAndProtocol >>> 16,
        bytes: datagram.payloadSize,
      });
    }
  }
}
