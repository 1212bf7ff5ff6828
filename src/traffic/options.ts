// The options of gen and sink: what help prints and what the parser knows.
import type { Example, OptionSpec } from "../ctl/verb.ts";

/** What a verb of this folder is, for help and for the parser. */
export type About = {
  name: string;
  summary: string;
  details: readonly string[];
  options: Readonly<Record<string, OptionSpec>>;
  examples: readonly [Example, ...Example[]];
};

const flows = {
  flows: { value: "N", summary: "flows with a sequence each, on consecutive ports or groups", default: "1" },
  "flow-step": { value: "port|group", summary: "what differs between flows", default: "port" },
} as const;

const output = {
  json: { summary: "print the result as JSON, for programs" },
  quiet: { summary: "print nothing but errors and JSON" },
} as const;

export const genAbout: About = {
  name: "gen",
  summary: "send numbered, timed datagrams",
  details: [
    "Each datagram carries its flow, its number, the time and a check, so that 'sink' can tell what was lost, repeated, " +
      "reordered or damaged, and how long it took. From 36 bytes on all of it; shorter ones carry the low bytes of the " +
      "number, from 5 bytes on with a check; empty ones are announced by the next full one.",
    "The schedule is absolute: what is late by up to 20 ms is caught up, what is later moves the schedule, and the end " +
      "says so. Exit code 0: all sent; 71: the system refused some.",
  ],
  options: {
    group: { value: "A", summary: "destination, multicast or unicast", required: true },
    port: { value: "P", summary: "destination port", required: true },
    interface: { value: "INTERFACE", summary: "link to send by, or an address of it; required for a group" },
    rate: { value: "N|max", summary: "datagrams per second over all flows; 20k and 1.5M are numbers", default: "1000" },
    bitrate: { value: "N", summary: "payload bits per second over all flows, instead of --rate" },
    size: { value: "BYTES", summary: "payload size 0 to 65507, or a range such as 0-1472", default: "1024" },
    count: { value: "N", summary: "datagrams to send over all flows", default: "until stopped" },
    duration: { value: "S", summary: "seconds to send", default: "until stopped" },
    ...flows,
    burst: { value: "N", summary: "datagrams of a flow sent back to back, the bursts evenly spaced", default: "1" },
    gso: { value: "N", summary: "datagrams per send, cut by the kernel or the link (UDP_SEGMENT)", default: "1" },
    ttl: { value: "N", summary: "time to live, 1 to 255", default: "1 for a group, else the system's" },
    "source-ip": { value: "A", summary: "address of this host to send from", default: "the link's" },
    seed: { value: "N", summary: "what random sizes and the pattern begin with", default: "1" },
    ...output,
  },
  examples: [
    {
      line: "mcr-appliance gen --group 239.1.1.1 --port 5000 --interface eth0 --rate 20k --size 1316 --duration 10",
      does: "a stream like MPEG-TS, ten seconds",
    },
    {
      line: "mcr-appliance gen --group 239.1.1.1 --port 5000 --interface eth0 --rate max --size 0-1472 --count 1M",
      does: "a million datagrams of all sizes, as fast as they go",
    },
  ],
};

export const sinkAbout: About = {
  name: "sink",
  summary: "receive what gen sent and count what is missing",
  details: [
    "Says 'ready' on stderr (or writes it to --ready-fd) when it has joined. Latency is from just before the send to the " +
      "arrival in this kernel; between machines it is as good as their clocks. What this socket itself had no room for is " +
      "named apart, so that a slow receiver accuses nobody.",
    "Exit code 0: all came, once and intact; 1: something was lost, repeated or damaged, or nothing came.",
  ],
  options: {
    group: { value: "A[:P]", summary: "group to join; without one, datagrams to this host", multiple: true },
    port: { value: "P", summary: "port, of every --group that names none" },
    interface: { value: "INTERFACE", summary: "link to hear, or an address of it; required for a group" },
    ...flows,
    count: { value: "N", summary: "end after so many datagrams", default: "none" },
    duration: { value: "S", summary: "end after so many seconds", default: "none" },
    idle: { value: "S", summary: "end after so much silence, once something came", default: "2 with --expect" },
    expect: { value: "N", summary: "how many were sent: then loss at the very end shows as well" },
    rcvbuf: { value: "BYTES", summary: "receive buffer of each socket", default: "16777216" },
    "ready-fd": { value: "FD", summary: "write 'ready' to this descriptor instead of stderr" },
    ...output,
  },
  examples: [
    {
      line: "mcr-appliance sink --group 239.1.1.1 --port 5000 --interface eth1 --idle 2",
      does: "count a stream until it pauses for two seconds",
    },
    {
      line: "mcr-appliance sink --port 6000 --expect 200000 --json",
      does: "unicast; every one of 200,000 must come",
    },
  ],
};
