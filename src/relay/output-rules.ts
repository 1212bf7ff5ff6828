// The rules of egress by serial number, and the backlogs of their flows. A rule whose outputs send everything to one place has one
// backlog; one that maps has one for each flow it sees, and one for what finds no room (flows.ts).
import { Flows } from "./flows.ts";
import { Output, type OutputOrder, OutputRule } from "./output.ts";

/** A look for idle flows costs as much as some thousand datagrams. */
const hopelessMax = 4_096;

/** Takes an output out of service: at once, or, if it `mayFinish`, when it has sent what it has. */
type Retire = (output: Output, mayFinish: boolean) => void;

/** Rules, and where the datagrams of each wait. */
export class OutputRules {
  private readonly rules = new Map<number, OutputRule>();
  private readonly orders = new Map<number, { orders: readonly OutputOrder[]; counterIndex: number | undefined }>();
  private readonly flows: Flows;
  /** Rules that flows may be known of. */
  private readonly mapping = new Set<number>();
  /** How many new flows still find no room without a look for idle ones: after a look that found none. */
  private hopeless = 0;
  /** What find() answered last: most datagrams are of the rule of the one before. 0 is no rule's serial number. */
  private lastSerial = 0;
  private lastRule: OutputRule | undefined = undefined;
  private readonly retire: Retire;

  constructor(retire: Retire, flowOutputsMax?: number) {
    this.retire = retire;
    this.flows = new Flows(flowOutputsMax);
  }

  /** The rule of a serial number, with the backlog that it has of its own. */
  find(serial: number): OutputRule | undefined {
    if (serial !== this.lastSerial) {
      this.lastRule = this.rules.get(serial);
      this.lastSerial = serial;
    }
    return this.lastRule;
  }

  /** Where a datagram of `rule`, which maps, has to wait; `destination` and `port` are those it came to. */
  laneOf(rule: OutputRule, destination: number, port: number): OutputRule {
    return this.flows.find(rule.serial, destination, port) ?? this.newLane(rule, destination, port);
  }

  /** Adds a rule or changes its outputs. An output known by its id keeps its place and loses nothing, in every flow. */
  set(serial: number, orders: readonly OutputOrder[], counterIndex?: number): void {
    const known = this.rules.get(serial);
    this.orders.set(serial, { orders, counterIndex });
    this.lastSerial = 0;
    if (known === undefined) {
      const outputs = orders.map((order) => new Output(order));
      this.rules.set(serial, new OutputRule(serial, outputs, counterIndex));
      return;
    }
    this.change(known, orders, undefined);
    if (this.mapping.has(serial)) {
      for (const lane of this.flows.of(serial)) {
        this.change(lane, orders, known);
      }
      this.flows.recount();
    }
  }

  /** Forgets a rule and retires its outputs. Returns false when there was none. */
  remove(serial: number): boolean {
    const rule = this.rules.get(serial);
    this.rules.delete(serial);
    this.orders.delete(serial);
    this.lastSerial = 0;
    if (rule === undefined) {
      return false;
    }
    this.end([rule, ...(this.mapping.delete(serial) ? this.flows.sweep((lane) => lane.serial === serial) : [])]);
    return true;
  }

  /** The numbers of a rule's outputs; none for a rule that is not known. */
  outputIds(serial: number): Set<number> {
    return new Set(this.rules.get(serial)?.outputs.map((output) => output.id));
  }

  /** The serial numbers of all rules. */
  serials(): number[] {
    return [...this.rules.keys()];
  }

  /** How many outputs all flows have together. */
  get flowOutputs(): number {
    return this.flows.size;
  }

  private newLane(rule: OutputRule, destination: number, port: number): OutputRule {
    // What waits in the rule's own backlog may be of this flow: it goes first.
    if (rule.users === 0 || !rule.isIdle) {
      return rule;
    }
    const count = rule.outputs.length;
    if (!this.flows.hasRoom(count) && !this.makeRoom(count)) {
      return rule;
    }
    this.mapping.add(rule.serial);
    const { orders = [], counterIndex } = this.orders.get(rule.serial) ?? {};
    const lane = new OutputRule(
      rule.serial,
      orders.map((order) => this.twinOf(rule, order)),
      counterIndex,
    );
    this.flows.add(lane, destination, port);
    return lane;
  }

  private makeRoom(count: number): boolean {
    if (this.hopeless > 0) {
      this.hopeless--;
      return false;
    }
    this.end(this.flows.sweep((lane) => lane.isIdle));
    const hasRoom = this.flows.hasRoom(count);
    this.hopeless = hasRoom ? 0 : hopelessMax;
    return hasRoom;
  }

  /** `own`: the rule's backlog whose sockets the outputs of a flow share. */
  private change(lane: OutputRule, orders: readonly OutputOrder[], own: OutputRule | undefined): void {
    const before = new Map(lane.outputs.map((output) => [output.id, output]));
    const outputs = orders.map((order) => {
      const same = before.get(order.id);
      before.delete(order.id);
      return same ?? (own === undefined ? new Output(order) : this.twinOf(own, order));
    });
    // A rule that sends on loses nothing by the change, and its order stays. One that is to be silent is silent at once.
    const mayFinish = outputs.some(({ fd }) => fd >= 0);
    const stays = new Set(lane.outputs);
    for (const gone of before.values()) {
      this.retire(gone, mayFinish);
    }
    for (const output of outputs) {
      output.isHeldBack ||= lane.leavingCount > 0 && !stays.has(output);
    }
    lane.setOutputs(outputs);
  }

  /** Another output that sends by the same socket. */
  private twinOf(rule: OutputRule, order: OutputOrder): Output {
    return new Output(order, rule.outputs.find(({ id }) => id === order.id)?.socket);
  }

  private end(lanes: readonly OutputRule[]): void {
    for (const output of lanes.flatMap((lane) => lane.outputs)) {
      this.retire(output, false);
    }
  }
}
