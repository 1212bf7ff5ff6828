import { describe, expect, test } from "bun:test";
import type { RingTrial } from "../../../src/shim/ring-trial.ts";
import { chooseIo, type IoFacts } from "../../../src/supervise/start/io.ts";

const works: RingTrial = { error: undefined, isMultishot: true, isDeferring: true, isGathering: true };
const refused = (error: string): RingTrial => ({ error, isMultishot: false, isDeferring: false, isGathering: false });

function facts(trial: RingTrial, disabled?: string): IoFacts {
  return { trial: () => trial, disabled: () => disabled };
}

const never: IoFacts = {
  trial: () => {
    throw new Error("io_uring was tried");
  },
  disabled: () => undefined,
};

describe("how workers wait and send", () => {
  test("is io_uring where it works, asked for or not", () => {
    for (const wish of ["auto", "io_uring"] as const) {
      expect(chooseIo(wish, facts(works, "0"))).toEqual({ ok: true, value: { kind: "io_uring" } });
    }
  });

  test("is ppoll when that is asked for, and io_uring is then not even tried", () => {
    expect(chooseIo("ppoll", never)).toEqual({ ok: true, value: { kind: "ppoll" } });
  });

  const shortcomings: [what: string, facts: IoFacts, says: string[]][] = [
    ["a seccomp profile", facts(refused("EPERM"), "0"), ["(EPERM)", "seccomp=unconfined"]],
    ["a kernel that has no switch", facts(refused("EPERM")), ["(EPERM)", "seccomp=unconfined"]],
    ["the switch for some", facts(refused("EPERM"), "1"), ["kernel.io_uring_disabled is 1", "sysctl -w"]],
    ["the switch for all", facts(refused("EPERM"), "2"), ["kernel.io_uring_disabled is 2", "sysctl -w"]],
    ["a kernel without it", facts(refused("ENOSYS")), ["(ENOSYS)", "CONFIG_IO_URING"]],
    ["a limit of locked memory", facts(refused("ENOMEM"), "0"), ["(ENOMEM)", "LimitMEMLOCK"]],
    ["Linux 5.10 to 5.12", facts({ ...works, isMultishot: false }), ["no multishot poll", "5.13"]],
  ];
  test.each(shortcomings)(
    "with %s is ppoll, with the reason and the cure; asked for io_uring, that is the refusal",
    (_, given, says) => {
      const choice = chooseIo("auto", given);
      expect(choice).toMatchObject({ ok: true, value: { kind: "ppoll" } });
      const reason = choice.ok ? (choice.value.reason ?? "") : "";
      for (const each of says) expect(reason).toContain(each);
      expect(chooseIo("io_uring", given)).toEqual({ ok: false, error: reason });
    },
  );
});
