// Which init system a tree has, and what it must be told after files came or before they go.
import { existsSync } from "node:fs";
import type { Init } from "./files.ts";

// The first that is there: OpenWrt has procd alone, and systemd's files lie on machines that start with something else only when
// somebody named it.
const marks: readonly (readonly [Init, readonly string[]])[] = [
  ["procd", ["/sbin/procd"]],
  ["openrc", ["/sbin/openrc-run", "/usr/sbin/openrc-run", "/usr/bin/openrc-run"]],
  ["systemd", ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"]],
];

/** The init system of the tree `root`; undefined where none is known. */
export function initOf(root: string): Init | undefined {
  return marks.find(([, paths]) => paths.some((path) => existsSync(root + path)))?.[0];
}

/** A command line, and why a failure of it may be passed over. */
export type Task = { command: readonly string[]; mayFail?: string };

/** What the running system must be told when the files are there. */
export function tasksAfterInstall(init: Init): Task[] {
  switch (init) {
    case "systemd":
      return [
        { command: ["systemd-sysusers", "/usr/lib/sysusers.d/mcr.conf"] },
        { command: ["systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/mcr.conf"] },
        // systemd's own, as the package does it: a minimal system has no sysctl(8).
        { command: ["/usr/lib/systemd/systemd-sysctl", "/usr/lib/sysctl.d/60-mcr.conf"], mayFail: inContainer },
        { command: ["systemctl", "daemon-reload"], mayFail: "systemd does not run here" },
      ];
    case "openrc":
      return userTasks();
    case "procd":
      return [];
  }
}

/** The user mcr, by shadow's useradd(8) where that is (Gentoo, Debian), else by BusyBox's applets (Alpine). */
function userTasks(): Task[] {
  const mayFail = "it is there already";
  const nologin = "/sbin/nologin";
  if (existsSync("/usr/sbin/useradd")) {
    const how = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", nologin];
    return [{ command: ["useradd", ...how, "mcr"], mayFail }];
  }
  return [
    { command: ["addgroup", "-S", "mcr"], mayFail },
    { command: ["adduser", "-S", "-D", "-H", "-G", "mcr", "-s", nologin, "mcr"], mayFail },
  ];
}

const inContainer = "a container's settings are its host's";

/** What must stop before the files go. */
export function tasksBeforeUninstall(init: Init): Task[] {
  const stops: Readonly<Record<Init, readonly (readonly string[])[]>> = {
    systemd: [["systemctl", "disable", "--now", "mcr.service"]],
    openrc: [
      ["rc-service", "mcr", "stop"],
      ["rc-update", "del", "mcr"],
    ],
    procd: [
      ["/etc/init.d/mcr", "stop"],
      ["/etc/init.d/mcr", "disable"],
    ],
  };
  return stops[init].map((command) => ({ command, mayFail: "it did not run" }));
}

/** What the running system must be told when the files are gone. */
export function tasksAfterUninstall(init: Init): Task[] {
  return init === "systemd" ? [{ command: ["systemctl", "daemon-reload"], mayFail: "systemd does not run here" }] : [];
}

/** Folders that the tasks made, outermost first: systemd-tmpfiles reads them in tmpfiles.conf. */
export function foldersOfTasks(init: Init): string[] {
  return init === "systemd" ? ["/etc/mcr/conf.d"] : [];
}

const starts: Readonly<Record<Init, string>> = {
  systemd: "systemctl enable --now mcr",
  openrc: "rc-update add mcr && rc-service mcr start",
  procd: "service mcr enable && service mcr start",
};

/** What the operator does next: the rules, then the service, now and at every boot. */
export function nextStep(init: Init): string {
  const file = init === "procd" ? "/etc/config/mcr" : "/etc/mcr/mcr.json5";
  return `edit ${file}, then: ${starts[init]}`;
}

/** How the service of the tree `root` that reads /etc/mcr/mcr.json5 is started; undefined where there is none. */
export function serviceStart(root: string): string | undefined {
  const init = initOf(root);
  // procd's has a configuration of its own.
  const paths: Readonly<Record<Init, readonly string[]>> = {
    systemd: ["/usr/lib/systemd/system/mcr.service", "/lib/systemd/system/mcr.service"],
    openrc: ["/etc/init.d/mcr"],
    procd: [],
  };
  return init !== undefined && paths[init].some((path) => existsSync(root + path)) ? starts[init] : undefined;
}
