// Which links a first rule could be for, as far as /sys and /proc/net tell: no right is needed, and nothing is changed.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../base/outcome.ts";

/** A link that a rule can name. */
export type FoundLink = { name: string; isUp: boolean };

/** Where datagrams probably arrive, and where they probably leave; undefined: not known. */
export type Guess = { input: string | undefined; output: string | undefined };

/** IFF_UP and IFF_LOOPBACK: linux/if.h. */
const flags = { up: 1, loopback: 8 } as const;

/** All links but loopback, those that are up first, otherwise by name as people count: eth2 before eth10. */
export function findLinks(root = "/"): FoundLink[] {
  const folder = join(root, "sys/class/net");
  return namesIn(folder)
    .flatMap((name) => {
      const flag = Number(textOf(join(folder, name, "flags")).trim());
      // A link without a carrier is up for who configured it, and hears nothing.
      const hasCarrier = textOf(join(folder, name, "operstate")).trim() !== "down";
      const isOne = Number.isInteger(flag) && (flag & flags.loopback) === 0;
      return isOne ? [{ name, isUp: (flag & flags.up) !== 0 && hasCarrier }] : [];
    })
    .sort((a, b) => Number(b.isUp) - Number(a.isUp) || a.name.localeCompare(b.name, "en", { numeric: true }));
}

/**
 * The default route leads to where people are; the other link is where a stream comes from that nobody routes. What is in `wish`
 * is not guessed, and the other side is another link.
 */
export function guess(links: readonly FoundLink[], wish: Guess, root = "/"): Guess {
  const free = links.map(({ name }) => name).filter((name) => name !== wish.input && name !== wish.output);
  const routed = defaultRouteLink(textOf(join(root, "proc/net/route")));
  const second = free[wish.input === undefined ? 1 : 0];
  const output = wish.output ?? (routed !== undefined && free.includes(routed) ? routed : second);
  return { input: wish.input ?? free.find((name) => name !== output), output };
}

/** The link of the first route to 0.0.0.0/0; a line has link, destination, gateway, …, and the mask in the eighth place. */
function defaultRouteLink(text: string): string | undefined {
  const routes = text.split("\n").map((line) => line.trim().split(/\s+/));
  return routes.find(([, destination, , , , , , mask]) => destination === "00000000" && mask === "00000000")?.[0];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (thrown) {
    return absent(thrown, []);
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    return absent(thrown, "");
  }
}

/** Without /sys, or when a link goes meanwhile, there is nothing to guess from; anything else is a defect. */
function absent<T>(thrown: unknown, otherwise: T): T {
  if (codeOf(thrown) === undefined) {
    throw thrown;
  }
  return otherwise;
}
