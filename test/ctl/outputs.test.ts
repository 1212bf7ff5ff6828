import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseOutputs } from "../../src/ctl/outputs.ts";

function errorOf(spec: string): string {
  const parsed = parseOutputs([spec], {});
  return parsed.ok ? "accepted" : parsed.error;
}

describe("--outputs", () => {
  test("comma-separated and repeated are the same, as in MCR", () => {
    const wanted = {
      ok: true,
      value: [
        { group: "239.2.2.2", port: 5001, interface: "eth1" },
        { group: "10.0.0.7", port: 1, interface: "eth2" },
      ],
    };
    expect(parseOutputs(["239.2.2.2:5001:eth1,10.0.0.7:1:eth2"], {})).toEqual(wanted as never);
    expect(parseOutputs(["239.2.2.2:5001:eth1", "10.0.0.7:1:eth2"], {})).toEqual(wanted as never);
    expect(parseOutputs([], {})).toEqual({ ok: true, value: [] });
  });

  test("settings of an output go before the defaults of all", () => {
    expect(
      parseOutputs(["239.2.2.2:1:a?ttl=4&source=10.0.0.9", "239.2.2.2:1:b"], { ttl: 7, source_ip: "10.0.0.1" }),
    ).toEqual({
      ok: true,
      value: [
        { group: "239.2.2.2", port: 1, interface: "a", ttl: 4, source_ip: "10.0.0.9" },
        { group: "239.2.2.2", port: 1, interface: "b", ttl: 7, source_ip: "10.0.0.1" },
      ],
    });
  });

  test("an output that says where its datagrams come from does not get the default that contradicts it", () => {
    const of = (tail: string, defaults: object) => parseOutputs([`239.2.2.2:1:a?${tail}`], defaults);
    const output = { group: "239.2.2.2", port: 1, interface: "a" };
    expect(of("preserve-source=true", { source_ip: "10.0.0.1", source_port: 7, dscp: 3 })).toEqual({
      ok: true,
      value: [{ ...output, preserve_source: true, dscp: 3 }],
    });
    expect(of("source-port=7&dscp=46", { preserve_source: true })).toEqual({
      ok: true,
      value: [{ ...output, source_port: 7, dscp: 46 }],
    });
    expect(of("preserve-source=yes", {})).toEqual({ ok: true, value: [{ ...output, preserve_source: "yes" }] });
  });

  test("a port that is no number stays as written, for the schema to refuse by name", () => {
    expect(parseOutputs(["a:0x10:b?ttl=-1"], {})).toEqual({
      ok: true,
      value: [{ group: "a", port: "0x10", interface: "b", ttl: "-1" }],
    });
  });

  for (const [spec, says] of [
    ["", "output '' does not have the form GROUP:PORT:INTERFACE"],
    ["239.2.2.2:5001", "does not have the form"],
    ["239.2.2.2:5001:eth1:4", "does not have the form"],
    ["239.2.2.2:5001:eth1,", "output '' does not have the form"],
    ["239.2.2.2:5001:eth1?ttl", "'ttl' in output '239.2.2.2:5001:eth1?ttl' does not have the form name=value"],
    ["239.2.2.2:5001:eth1?", "'' in output"],
    ["239.2.2.2:5001:eth1?ttl=1&ttl=2", "'ttl' stands twice"],
    ["239.2.2.2:5001:eth1?tll=4", "unknown setting 'tll' in output '239.2.2.2:5001:eth1?tll=4'. Did you mean 'ttl'?"],
    ["239.2.2.2:5001:eth1?ttl=1?ttl=2", "does not have the form"],
  ] as const) {
    test(`'${spec}' is refused: ${says}`, () => expect(errorOf(spec)).toContain(says));
  }

  test("what is written by the grammar is read back", () => {
    const name = fc.stringMatching(/^[a-z0-9.@_-]{1,15}$/);
    const output = fc.record(
      { group: fc.ipV4(), port: fc.nat(65_535), interface: name, ttl: fc.nat(255), source_ip: fc.ipV4() },
      { requiredKeys: ["group", "port", "interface"] },
    );
    fc.assert(
      fc.property(fc.array(output, { minLength: 1 }), (outputs) => {
        const specs = outputs.map(({ group, port, interface: link, ttl, source_ip }) => {
          const settings = [
            ttl === undefined ? "" : `ttl=${ttl}`,
            source_ip === undefined ? "" : `source=${source_ip}`,
          ];
          const tail = settings.filter(Boolean).join("&");
          return `${group}:${port}:${link}${tail === "" ? "" : `?${tail}`}`;
        });
        expect(parseOutputs([specs.join(",")], {})).toEqual({ ok: true, value: outputs });
      }),
    );
  });

  test("any text at all is read or refused in one short printable line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (spec) => {
        const error = errorOf(spec);
        return error.length < 250 && !/\p{Cc}/u.test(error);
      }),
    );
  });
});
