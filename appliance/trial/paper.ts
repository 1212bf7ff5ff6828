// What is read beside the program: sums, the bill of materials, the manual as man(1) renders it and mandoc judges it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { executableFor, expect, may, must, type Trial } from "./trial.ts";

export const sums: Trial = {
  name: "sums",
  about: "SHA256SUMS and the bill of materials",
  run: ({ release, version }) => {
    const checked = must(["sha256sum", "--check", "--strict", "SHA256SUMS"], { cwd: release });
    const good = checked.match(/: OK$/gm)?.length ?? 0;
    const files = must(["find", release, "-type", "f", "-not", "-name", "SHA256SUMS"]).trim().split("\n").length;
    expect(`every file has a sum: ${good} of ${files}`, good === files);
    const text = readFileSync(join(release, `mcr-appliance-${version}.cdx.json`), "utf8");
    const bill = z
      .object({
        bomFormat: z.literal("CycloneDX"),
        components: z.array(z.object({ name: z.string(), version: z.string() })),
      })
      .parse(JSON.parse(text));
    const names = bill.components.map(({ name }) => name);
    const missing = ["bun", "liburing", "zod", "consola"].filter((name) => !names.includes(name));
    expect(`the bill names ${missing.join(", ")}`, missing.length === 0);
    return { ran: `${good} files as their sums say; ${names.length} components` };
  },
};

const pages = ["mcr-appliance", "mcr-appliance-supervise", "mcr.json5"];

export const manual: Trial = {
  name: "manual",
  about: "the manual: rendered by man without a warning, judged by mandoc",
  run: (place) => {
    const counts = pages.map((page) => {
      const path = join(place.scratch, page);
      writeFileSync(path, must([executableFor(place, "linux-x64"), "man", page]));
      const env = { MANWIDTH: "80", LC_ALL: "C.UTF-8" };
      const warnings = may(["sh", "-c", 'man -l --warnings "$0" 2>&1 >/dev/null', path], { env }).output.trim();
      expect(`man is silent about ${page}: ${warnings}`, warnings === "");
      // A page has no date of its own: two builds are to be alike.
      const lint = may(["sh", "-c", 'mandoc -T lint -W warning "$0" | grep -v "missing date"', path]).output.trim();
      expect(`mandoc is silent about ${page}: ${lint}`, lint === "");
      const lines = must(["man", "-l", path], { env }).split("\n");
      return `${page} ${lines.length} lines`;
    });
    return { ran: counts.join(", ") };
  },
};
