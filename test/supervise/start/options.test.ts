import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  chooseCores,
  parseCores,
  parseSuperviseOptions,
  type SuperviseTexts,
} from "../../../src/supervise/start/options.ts";

function errorOf(texts: SuperviseTexts): string {
  const parsed = parseSuperviseOptions(texts);
  return parsed.ok ? "accepted" : parsed.error;
}

describe("the supervisor's options", () => {
  test("have defaults for everything", () => {
    expect(parseSuperviseOptions({})).toEqual({
      ok: true,
      value: {
        controlSocketPath: "/run/mcr/control.sock",
        pipeline: "auto",
        io: "auto",
        spare: true,
        role: "active",
        logFormat: "auto",
        logLevel: "info",
        rejoinIntervalSeconds: 60,
      },
    });
  });

  test("take all values and MCR's spellings of levels", () => {
    const texts = {
      config: "c.json5",
      controlSocketPath: "/x",
      workers: "3",
      cores: "0,2-3",
      pipeline: "split",
      io: "ppoll",
      spare: "off",
      logFormat: "json",
      logLevel: "WARN",
      rejoinInterval: "0",
    };
    expect(parseSuperviseOptions(texts)).toEqual({
      ok: true,
      value: {
        configPath: "c.json5",
        controlSocketPath: "/x",
        workers: 3,
        cores: [0, 2, 3],
        pipeline: "split",
        io: "ppoll",
        spare: false,
        role: "active",
        logFormat: "json",
        logLevel: "warning",
        rejoinIntervalSeconds: 0,
      },
    });
  });

  for (const [texts, says] of [
    [{ workers: "0" }, "--workers must be a number from 1 to 64, not '0'"],
    [{ workers: "65" }, "not '65'"],
    [{ workers: "two" }, "not 'two'"],
    [{ workers: "1e1" }, "not '1e1'"],
    [{ cores: "3-1" }, "--cores: '3-1' is no core"],
    [{ cores: "" }, "--cores: '' is no core"],
    [{ cores: "0,,1" }, "is no core"],
    [{ cores: "0-99999" }, "is no core"],
    [{ cores: "0-200" }, "--cores names 201 cores; at most 64"],
    [{ workers: "2", cores: "1" }, "disagree"],
    [{ pipeline: "both" }, "--pipeline must be one of auto, split, unified, not 'both'"],
    [{ io: "epoll" }, "--io must be one of auto, io_uring, ppoll, not 'epoll'"],
    [{ spare: "two" }, "--spare must be one of on, off, not 'two'"],
    [{ logFormat: "xml" }, "--log-format must be one of"],
    [{ logLevel: "loud" }, "--log-level must be one of"],
    [{ logLevel: "constructor" }, "--log-level must be one of"],
    [{ controlSocketPath: "" }, "--control-socket-path must not be empty"],
    [{ config: "" }, "--config must not be empty"],
  ] as const) {
    test(`${JSON.stringify(texts)} is refused: ${says}`, () => expect(errorOf(texts)).toContain(says));
  }

  test("a core list names each core once, in order, however it is written", () => {
    const range = fc.tuple(fc.nat(60), fc.nat(4)).map(([first, more]) => ({ first, last: first + more }));
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 6 }), (ranges) => {
        const text = ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
        const wanted = new Set<number>();
        for (const { first, last } of ranges) for (let core = first; core <= last; core++) wanted.add(core);
        expect(parseCores(text)).toEqual({ ok: true, value: [...wanted].sort((a, b) => a - b) });
      }),
    );
  });
});

describe("choosing cores", () => {
  test("takes one per core, at most four, unless told otherwise", () => {
    expect(chooseCores({}, [0, 1])).toEqual({ ok: true, value: [0, 1] });
    expect(chooseCores({}, [1, 2, 3, 4, 5])).toEqual({ ok: true, value: [1, 2, 3, 4] });
    expect(chooseCores({ workers: 5 }, [1, 2, 3, 4, 5])).toEqual({ ok: true, value: [1, 2, 3, 4, 5] });
    expect(chooseCores({ cores: [5] }, [4, 5])).toEqual({ ok: true, value: [5] });
  });

  test("refuses cores that are not there, and more workers than cores", () => {
    expect(chooseCores({ cores: [1, 9] }, [0, 1])).toMatchObject({
      ok: false,
      error: expect.stringContaining("core 9 is not there"),
    });
    expect(chooseCores({ workers: 3 }, [0, 1])).toMatchObject({
      ok: false,
      error: expect.stringContaining("there are 2"),
    });
  });
});

test.each([
  ["9470", { address: "127.0.0.1", port: 9470 }],
  ["10.0.0.1:9470", { address: "10.0.0.1", port: 9470 }],
  ["[::1]:0", { address: "::1", port: 0 }],
])("metrics at %s are served there, a port alone for this machine alone", (text, metrics) => {
  expect(parseSuperviseOptions({ metrics: text })).toMatchObject({ ok: true, value: { metrics } });
});

test.each(["", "x", "9470x", "10.0.0.256:1", "127.0.0.1:65536", "::1:9470", "localhost:9470", "127.0.0.1:"])(
  "metrics at '%s' are refused with an example of what would be right",
  (text) => {
    expect(parseSuperviseOptions({ metrics: text })).toMatchObject({
      ok: false,
      error: expect.stringContaining("such as 127.0.0.1:9470"),
    });
  },
);
