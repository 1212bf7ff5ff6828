// What top shows and how: changed by keys and by what the supervisor says. Pure.
import type { RuleStatus, Status } from "../../control/status.ts";
import { History } from "./history.ts";
import type { Key } from "./keys.ts";

export const orders = ["rate", "name", "drops"] as const;
/** What rules are sorted by. */
export type Order = (typeof orders)[number];

/** Everything on the screen. */
export class TopState {
  status: Status | undefined = undefined;
  /** Why the numbers are old, while they are. */
  trouble: string | undefined = undefined;
  order: Order = "rate";
  isReversed = false;
  filter = "";
  isFiltering = false;
  scroll = 0;
  readonly history = new History();

  /** Takes what the supervisor said. */
  update(status: Status): void {
    this.status = status;
    this.trouble = undefined;
    this.history.add(status.rules);
  }

  /** Does what a key asks for; true when it asks to end. */
  press(key: Key): boolean {
    if (key === "interrupt") {
      return true;
    }
    if (this.isFiltering) {
      this.editFilter(key);
      return false;
    }
    return this.command(key);
  }

  /** The rules that pass the filter, in order. */
  rules(): RuleStatus[] {
    const wanted = this.filter.toLowerCase();
    const shown = (this.status?.rules ?? []).filter((rule) => textOf(rule).includes(wanted));
    const compare: Record<Order, (a: RuleStatus, b: RuleStatus) => number> = {
      rate: (a, b) => b.datagrams_per_second - a.datagrams_per_second || byName(a, b),
      name: byName,
      drops: (a, b) => lostOf(b) - lostOf(a) || byName(a, b),
    };
    const sorted = shown.sort(compare[this.order]);
    return this.isReversed ? sorted.reverse() : sorted;
  }

  private command(key: Key): boolean {
    const page = 10;
    switch (typeof key === "object" ? key.text : key) {
      case "q":
        return true;
      case "s":
        this.order = orders[(orders.indexOf(this.order) + 1) % orders.length] ?? "rate";
        break;
      case "r":
        this.isReversed = !this.isReversed;
        break;
      case "/":
        this.isFiltering = true;
        break;
      case "escape":
        this.filter = "";
        break;
      case "down":
      case "j":
        this.scrollBy(1);
        break;
      case "up":
      case "k":
        this.scrollBy(-1);
        break;
      case "pageDown":
        this.scrollBy(page);
        break;
      case "pageUp":
        this.scrollBy(-page);
        break;
    }
    return false;
  }

  private scrollBy(lines: number): void {
    this.scroll = Math.max(0, Math.min(this.scroll + lines, this.rules().length - 1));
  }

  private editFilter(key: Key): void {
    if (typeof key === "object") {
      this.filter += key.text;
    } else if (key === "backspace") {
      this.filter = this.filter.slice(0, -1);
    } else if (key === "enter" || key === "escape") {
      this.isFiltering = false;
      this.filter = key === "escape" ? "" : this.filter;
    }
    this.scroll = 0;
  }
}

/** What a rule is called on the screen. */
export function nameOf(rule: RuleStatus): string {
  return rule.name ?? rule.rule_id;
}

/** feed-2 before feed-10. */
function byName(a: RuleStatus, b: RuleStatus): number {
  return nameOf(a).localeCompare(nameOf(b), "en", { numeric: true });
}

/** Datagrams of a rule that did not leave, over all outputs, and those that never came in. */
export function lostOf(rule: RuleStatus): number {
  const lost = rule.outputs.map((output) => output.datagrams_failed + output.datagrams_dropped);
  return lost.reduce((sum, each) => sum + each, rule.missed ?? 0);
}

function textOf(rule: RuleStatus): string {
  const outputs = rule.outputs.map((output) => `${output.interface} ${output.group}:${output.port}`).join(" ");
  return `${nameOf(rule)} ${rule.rule_id} ${rule.input_interface} ${rule.input_group}:${rule.input_port} ${outputs}`.toLowerCase();
}
