// IGMP reports, byte for byte as the kernel sends them: membership reports of RFC 1112, RFC 2236 and RFC 3376 in IPv4 with a router
// alert (RFC 2113), TTL 1, and DSCP "internetwork control".
import { readFileSync } from "node:fs";

/** What an interface speaks, as its querier has it. */
export type IgmpVersion = 1 | 2 | 3;

/** A group that is held; `sources` empty: from any. Host order. */
export type HeldGroup = { group: number; sources: readonly number[] };

/** One IPv4 datagram, header and all. Identification, source address and header checksum are zero: the kernel fills them in. */
export type Report = { destination: number; bytes: Uint8Array; groupCount: number };

const headerSize = 24;
const [reportV1, reportV2, reportV3] = [0x12, 0x16, 0x22];
/** Where version 3 reports go to: all routers that speak it, and every switch that snoops. */
const routersV3 = 0xe0000016;
// Of RFC 3376, 4.2.12: the state as it is, which changes none; a switch or router starts its timers anew.
const [isInclude, isExclude] = [1, 2];
const reportHeadSize = 8;
const recordHeadSize = 8;

/** Reports that say anew what is held on a link, as few as `mtu` allows. Before version 3 a report is one group, and knows no sources. */
export function reportsOf(version: IgmpVersion, held: readonly HeldGroup[], mtu: number): Report[] {
  if (version < 3) {
    const type = version === 1 ? reportV1 : reportV2;
    return held.map(({ group }) => {
      const body = new Uint8Array(8);
      body[0] = type;
      new DataView(body.buffer).setUint32(4, group);
      return wrapped(group, body, 1);
    });
  }
  const room = mtu - headerSize - reportHeadSize;
  const reports: Report[] = [];
  let records: Uint8Array[] = [];
  let size = 0;
  const flush = () => {
    if (records.length > 0) {
      reports.push(wrapped(routersV3, reportV3Of(records, size), records.length));
    }
    [records, size] = [[], 0];
  };
  for (const record of held.flatMap((each) => recordsOf(each, room))) {
    if (size + record.length > room) {
      flush();
    }
    records.push(record);
    size += record.length;
  }
  flush();
  return reports;
}

/** The records of one group; more than one when its sources outgrow a report. */
function recordsOf({ group, sources }: HeldGroup, room: number): Uint8Array[] {
  const sourcesMax = Math.max(1, Math.floor((room - recordHeadSize) / 4));
  const records: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < sources.length; at += sourcesMax) {
    const some = sources.slice(at, at + sourcesMax);
    const record = new Uint8Array(recordHeadSize + some.length * 4);
    const view = new DataView(record.buffer);
    record[0] = sources.length === 0 ? isExclude : isInclude;
    view.setUint16(2, some.length);
    view.setUint32(4, group);
    for (const [index, source] of some.entries()) {
      view.setUint32(recordHeadSize + index * 4, source);
    }
    records.push(record);
  }
  return records;
}

function reportV3Of(records: readonly Uint8Array[], size: number): Uint8Array {
  const body = new Uint8Array(reportHeadSize + size);
  body[0] = reportV3;
  new DataView(body.buffer).setUint16(6, records.length);
  let at = reportHeadSize;
  for (const record of records) {
    body.set(record, at);
    at += record.length;
  }
  return body;
}

function wrapped(destination: number, body: Uint8Array, groupCount: number): Report {
  const bytes = new Uint8Array(headerSize + body.length);
  const view = new DataView(bytes.buffer);
  // Version 4, six words of header; DSCP 48; total size; do not fragment; TTL 1, protocol 2; the router alert.
  view.setUint16(0, 0x46c0);
  view.setUint16(2, bytes.length);
  view.setUint16(6, 0x4000);
  view.setUint16(8, 0x0102);
  view.setUint32(16, destination);
  view.setUint32(20, 0x94040000);
  bytes.set(body, headerSize);
  view.setUint16(headerSize + 2, checksum(body));
  return { destination, bytes, groupCount };
}

/** RFC 1071, of an even number of bytes. */
function checksum(body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let sum = 0;
  for (let at = 0; at < body.length; at += 2) {
    sum += view.getUint16(at);
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  return ~sum & 0xffff;
}

/** What each link speaks, by its index, from the text of /proc/net/igmp. */
export function versionsIn(text: string): Map<number, IgmpVersion> {
  const versions = new Map<number, IgmpVersion>();
  for (const line of text.split("\n")) {
    const [, index, version] = /^(\d+)\t.*\bV([123])\s*$/.exec(line) ?? [];
    if (index !== undefined) {
      versions.set(Number(index), version === "1" ? 1 : version === "2" ? 2 : 3);
    }
  }
  return versions;
}

/** What each link speaks now. What cannot be read is taken to speak version 3, as the kernel does until it hears an older querier. */
export function spokenVersions(): Map<number, IgmpVersion> {
  try {
    return versionsIn(readFileSync("/proc/net/igmp", "utf8"));
  } catch {
    // No /proc, or no descriptor to read it with: reports go out all the same.
    return new Map();
  }
}
