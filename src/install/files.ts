// What is installed, for each init system: the one list, of which the verb writes files and appliance/release makes packages.
import { gzipSync } from "node:zlib";
import options from "../../appliance/install/mcr.default" with { type: "text" };
import configuration from "../../appliance/install/mcr.json5" with { type: "text" };
import openrcOptions from "../../appliance/openrc/mcr.confd" with { type: "text" };
import openrcScript from "../../appliance/openrc/mcr.initd" with { type: "text" };
import uciConfiguration from "../../appliance/openwrt/mcr.config" with { type: "text" };
import procdScript from "../../appliance/openwrt/mcr.init" with { type: "text" };
import instances from "../../appliance/systemd/mcr@.service" with { type: "text" };
import unit from "../../appliance/systemd/mcr.service" with { type: "text" };
import user from "../../appliance/systemd/sysusers.conf" with { type: "text" };
import folders from "../../appliance/systemd/tmpfiles.conf" with { type: "text" };
import sysctl from "../../appliance/tuning/60-mcr.conf" with { type: "text" };

/** What stands in /etc/mcr/mcr.json5 until somebody writes it. */
export const shippedConfiguration: string = configuration;

/** The init systems that are known. */
export const inits = ["systemd", "openrc", "procd"] as const;
export type Init = (typeof inits)[number];

/** Where a file's bytes come from: the running executable, or here. */
export type Content = { from: "executable" } | { from: "here"; bytes: Uint8Array };

/** A file as it is to be. `isConfig`: an operator may change it, and then it is theirs. */
export type InstallFile = { path: string; mode: number; isConfig: boolean; content: Content };

/** What the table of verbs makes: manual pages with their section, completion scripts by shell. */
export type Paper = {
  pages: readonly { name: string; section: number; text: string }[];
  completions: Readonly<Record<string, string>>;
};

const completionPaths: Readonly<Record<string, string>> = {
  bash: "/usr/share/bash-completion/completions/mcr-appliance",
  zsh: "/usr/share/zsh/vendor-completions/_mcr-appliance",
  fish: "/usr/share/fish/vendor_completions.d/mcr-appliance.fish",
};

/** Where the program goes. */
export const executablePath = "/usr/bin/mcr-appliance";

/** All files for a machine with `init`, in the order in which they are written. */
export function filesFor(init: Init, paper: Paper): InstallFile[] {
  return [
    { path: executablePath, mode: 0o755, isConfig: false, content: { from: "executable" } },
    ...ownFiles[init],
    // OpenWrt has neither a manual nor shells that complete, and its configuration is UCI's.
    ...(init === "procd" ? [] : [configFile("/etc/mcr/mcr.json5", configuration), ...paperFiles(paper)]),
  ];
}

const ownFiles: Readonly<Record<Init, readonly InstallFile[]>> = {
  systemd: [
    file("/usr/lib/systemd/system/mcr.service", unit),
    file("/usr/lib/systemd/system/mcr@.service", instances),
    file("/usr/lib/sysusers.d/mcr.conf", user),
    file("/usr/lib/tmpfiles.d/mcr.conf", folders),
    file("/usr/lib/sysctl.d/60-mcr.conf", sysctl),
    configFile("/etc/default/mcr", options),
  ],
  openrc: [
    file("/etc/init.d/mcr", openrcScript, 0o755),
    configFile("/etc/conf.d/mcr", openrcOptions),
    file("/usr/lib/sysctl.d/60-mcr.conf", sysctl),
  ],
  procd: [
    file("/etc/init.d/mcr", procdScript, 0o755),
    configFile("/etc/config/mcr", uciConfiguration),
    // OpenWrt reads no other folder.
    file("/etc/sysctl.d/60-mcr.conf", sysctl),
  ],
};

function paperFiles({ pages, completions }: Paper): InstallFile[] {
  const manual = pages.map(({ name, section, text }) => ({
    path: `/usr/share/man/man${section}/${name}.${section}.gz`,
    mode: 0o644,
    isConfig: false,
    // Level 9 and no time inside: the same bytes whenever and wherever they are made.
    content: { from: "here" as const, bytes: gzipSync(`${text}\n`, { level: 9 }) },
  }));
  const scripts = Object.entries(completionPaths).flatMap(([shell, path]) => {
    const script = completions[shell];
    return script === undefined ? [] : [file(path, script)];
  });
  return [...manual, ...scripts];
}

function file(path: string, text: string, mode = 0o644): InstallFile {
  return { path, mode, isConfig: false, content: { from: "here", bytes: new TextEncoder().encode(text) } };
}

function configFile(path: string, text: string): InstallFile {
  return { ...file(path, text), isConfig: true };
}
