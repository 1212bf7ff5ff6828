// Who is at the other end of a connection, as the kernel knows it, and what he may do. unix(7), socket(7).
import type { Socket } from "node:net";
import { map } from "../shim/memory.ts";
import { systemCall } from "../shim/system-call.ts";
import type { Command, CommandWord, commandBodies } from "./words.ts";

/** A process as it was when it connected. */
export type Peer = { pid: number; uid: number; gid: number; groups: number[] };

/** Changes include reading. */
export type Access = "change" | "read" | "none";

/** Who may do what: root and `uid` everything, members of `changeGroup` too, those of `readGroup` may look. Numbers of groups. */
export type AccessPolicy = { uid: number; changeGroup?: number; readGroup?: number };

const socketLevel = 1;
const peerCredentials = 17;
const peerGroups = 59;
/** NGROUPS_MAX is 65,536. */
const groupsSize = 4 * 65_536;
const memory = map(8 + groupsSize);

/** Which descriptor a connection has; -1 when Bun does not say. */
export function descriptorOf(socket: Socket): number {
  // Bun has no call for this, and its handle is not typed.
  const fd = (socket as unknown as { _handle?: { fd?: unknown } })._handle?.fd;
  return typeof fd === "number" ? fd : -1;
}

/** Undefined when the kernel does not say, or Bun no longer says which descriptor a connection has: then nobody may do anything. */
export function peerOf(socket: Socket): Peer | undefined {
  const fd = descriptorOf(socket);
  if (fd < 0) {
    return undefined;
  }
  const ask = (option: number, room: number) => {
    memory.u32[0] = room;
    const error = systemCall("getsockopt", fd, socketLevel, option, memory.at(8), memory.pointer);
    return error < 0 ? undefined : [...memory.i32.subarray(2, 2 + (memory.u32[0] ?? 0) / 4)].map((word) => word >>> 0);
  };
  const [pid, uid, gid] = ask(peerCredentials, 12) ?? [];
  if (pid === undefined || uid === undefined || gid === undefined) {
    return undefined;
  }
  // Kernels before 4.13 do not say; the process's own group counts in any case.
  return { pid, uid, gid, groups: ask(peerGroups, groupsSize) ?? [] };
}

/** What `peer` may do. */
export function accessOf(peer: Peer | undefined, policy: AccessPolicy): Access {
  if (peer === undefined) {
    return "none";
  }
  const isIn = (group: number | undefined) =>
    group !== undefined && (peer.gid === group || peer.groups.includes(group));
  if (peer.uid === 0 || peer.uid === policy.uid || isIn(policy.changeGroup)) {
    return "change";
  }
  return isIn(policy.readGroup) ? "read" : "none";
}

type CommandName = CommandWord | keyof typeof commandBodies;

/** What each command needs; a new one does not compile until it stands here. */
const needs: Readonly<Record<CommandName, Exclude<Access, "none">>> = {
  ListRules: "read",
  GetStats: "read",
  ListWorkers: "read",
  Ping: "read",
  GetVersion: "read",
  GetMroute: "read",
  GetStatus: "read",
  GetLogLevels: "read",
  CheckCounters: "read",
  Explain: "read",
  ResetLogLevels: "change",
  AddRule: "change",
  RemoveRule: "change",
  RemoveRuleByName: "change",
  EnableRules: "change",
  DisableRules: "change",
  RemoveRules: "change",
  Batch: "change",
  SetRole: "change",
  SetGlobalLogLevel: "change",
  SetFacilityLogLevel: "change",
  GetConfig: "read",
  GetControlPlaneConfig: "read",
  DiffConfig: "read",
  ListConfigVersions: "read",
  ShowConfigVersion: "read",
  CheckConfig: "read",
  PlanConfig: "read",
  ConfirmConfig: "change",
  LoadConfig: "change",
  SaveConfig: "change",
  ApplyConfig: "change",
  ReloadBinary: "change",
  RollbackConfig: "change",
};

/** The command's word on the wire. */
export function nameOf(command: Command): CommandName {
  return typeof command === "string" ? command : (Object.keys(command)[0] as CommandName);
}

/** Whether a command changes what the relay does. */
export function isChange(command: Command): boolean {
  return needs[nameOf(command)] === "change";
}
