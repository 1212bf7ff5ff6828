// The test bed: generator, relay and receiver in namespaces joined by veth pairs, and the addresses everybody agrees on.
//
//   gen out0 ── in0 relay out0 ── in0 sink      CPU 0: the generator, and what its sends cause on the relay's receive side
//                         out1 ── in1           CPU 1: the relay, and what its sends cause on the receiver's side
//                         out2 ── in2
//
// Segmentation is off on every link: a super-send becomes real single frames before it crosses, for every contender.
import { Lab } from "../helpers/namespaces.ts";

/** What a relay is asked to do: `flows` on consecutive ports, each to `outputs`; rules beyond `flows` see no traffic. */
export type Shape = { flows: number; outputs: number; rules: number };

/** Addresses in dotted form; flow i uses `port` + i. `address` is the link's own. */
export type Place = { group: string; port: number; link: string; address: string };

const outputLinks = 3;
const single = { "tx-udp-segmentation": false };

/** Links on the receiver's side. */
export const sinkLinks = ["in0", "in1", "in2"] as const;

/** The generator's address, and where it sends to. */
export const source = { address: "10.71.0.1", cpu: 0 };
export const relayCpu = 1;
export const input: Place = { group: "239.1.1.1", port: 5000, link: "in0", address: "10.71.0.2" };

/** Output `index`, from 0; they take turns on the links. */
export function output(index: number): Place {
  const link = index % outputLinks;
  return { group: `239.2.0.${index + 1}`, port: 6000, link: `out${link}`, address: `10.71.${link + 1}.1` };
}

/** The outputs of a shape. */
export function outputs({ outputs: count }: Shape): Place[] {
  return Array.from({ length: count }, (_, index) => output(index));
}

/** The receiver's own address on the far side of an output. */
export function farAddress(place: Place): string {
  return place.address.replace(/1$/, "2");
}

/** `GROUP:PORT:ADDRESS`, as the C programs read it. */
export function spelled({ group, port, address }: Place): string {
  return `${group}:${port}:${address}`;
}

/** Makes the namespaces `gen`, `relay` and `sink`. The caller closes the lab. */
export function makeBed(): Lab {
  const lab = Lab.create("bench");
  const from = { ns: "gen", link: "out0", address: `${source.address}/24` };
  lab.veth(from, { ns: "relay", link: input.link, address: `${input.address}/24` }, { offloads: single });
  for (let index = 0; index < outputLinks; index++) {
    const place = output(index);
    const near = { ns: "relay", link: place.link, address: `${place.address}/24` };
    const far = { ns: "sink", link: `in${index}`, address: `${farAddress(place)}/24` };
    lab.veth(near, far, { offloads: single });
  }
  return lab;
}
