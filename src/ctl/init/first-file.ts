// The text of a first configuration: one rule, and comments that say what to change. It always passes 'config check'.
import { parseIpv4 } from "../../base/ipv4.ts";

/** One side of the first rule. */
export type Side = { interface: string; group: string; port: number };

/** The first rule; `isExample`: nobody has said its addresses, so it must not join or send anything. */
export type FirstRule = { input: Side; output: Side; isExample: boolean };

/** What the rule has where nobody says otherwise: administratively scoped groups (RFC 2365), as in all our examples. */
export const exampleSides = {
  input: { group: "239.1.1.1", port: 5000 },
  output: { group: "239.2.2.2", port: 5001 },
} as const;

/** The file, for the path where it will stand. */
export function firstFile(path: string, { input, output, isExample }: FirstRule): string {
  const multicast = (parseIpv4(output.group) ?? 0) >>> 28 === 0xe;
  const lines = [
    "// Configuration of mcr-appliance. JSON5: comments, trailing commas and keys without quotes are fine.",
    `//   mcr-appliance config check ${path}`,
    "//       every mistake, with its line",
    "//   mcr-appliance reload",
    "//       runs what is written here; rules that stay as they are lose nothing",
    "//   mcr-appliance man mcr.json5 | man -l -",
    "//       all fields",
    "{",
    "  // How many routers multicast may pass, where an output does not say; 1: it stays on its link.",
    "  multicast_ttl: 1,",
    "",
    "  rules: [",
    "    {",
    '      name: "first",',
    ...(isExample
      ? [
          "      // An example, so it rests. Make it yours, then take this line out (or: mcr-appliance enable first).",
          "      enabled: false,",
        ]
      : []),
    "      // Where datagrams arrive: interface, destination address (multicast or unicast), destination port.",
    `      input: { ${sideText(input)} },`,
    "      // Where they leave, with the same payload: one output or many, to groups or to hosts.",
    "      outputs: [",
    `        { ${sideText(output)} },`,
    `        // { interface: ${JSON.stringify(output.interface)}, group: "${multicast ? "10.0.0.7" : "239.2.2.2"}", port: 6000${multicast ? "" : ", ttl: 4"} },`,
    "      ],",
    "    },",
    "  ],",
    "}",
    "",
  ];
  return lines.join("\n");
}

function sideText(side: Side): string {
  return `interface: ${JSON.stringify(side.interface)}, group: "${side.group}", port: ${side.port}`;
}
