// The link that an operator names, or names by one of its addresses.
import { networkInterfaces } from "node:os";
import { parseIpv4 } from "../base/ipv4.ts";
import { done, failed, type Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { failureText, isFailure } from "../shim/socket.ts";
import { linkIndexOf } from "../shim/traffic.ts";

/** A link of this machine; the index is the kernel's, from 1. */
export type Link = { name: string; index: number };

/** Finds the link; the error says what to look at. */
export function findLink(wanted: string): Outcome<Link> {
  const name = parseIpv4(wanted) === undefined ? wanted : linkOfAddress(wanted);
  if (name === undefined) {
    return failed(`no link has the address ${wanted}; 'ip address' lists them`);
  }
  const index = linkIndexOf(name);
  return isFailure(index)
    ? failed(`no link '${printable(name)}' (${failureText(index)}); 'ip link' lists them`)
    : done({ name, index });
}

function linkOfAddress(address: string): string | undefined {
  const links = Object.entries(networkInterfaces());
  return links.find(([, addresses]) => addresses?.some((each) => each.address === address))?.[0];
}
