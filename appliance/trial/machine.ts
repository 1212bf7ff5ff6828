// A computer of its own: a disk image under qemu, with three virtio NICs on bridges of the lab and a wire for commands. KVM where
// that boots it (a guest that offers KVM may not), else an emulated processor.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../test/helpers/namespaces.ts";
import { until } from "../../test/helpers/until.ts";
import type { Architecture } from "./debian-root.ts";
import { must } from "./trial.ts";

/** The namespace in which qemu runs. */
const ns = "machine";
/** An emulated processor boots in a minute or some; a real one that has not in this time does not. */
const patience = { tcg: { deadlineMs: 300_000, everyMs: 100 }, kvm: { deadlineMs: 40_000, everyMs: 100 } } as const;

/** qemu for each, and what differs: the board, the serial port's name, the cheapest processor that has all. */
const computers = {
  amd64: { qemu: ["qemu-system-x86_64"], serial: "ttyS0", processor: "max" },
  arm64: { qemu: ["qemu-system-aarch64", "-machine", "virt"], serial: "ttyAMA0", processor: "max,pauth-impdef=on" },
} as const;

/** The program that plays a machine of `architecture`. */
export const emulatorOf = (architecture: Architecture): string => computers[architecture].qemu[0];

type Accelerator = "kvm" | "tcg";

/** `kernel` and `initrd` are files of this machine; `disk` is a raw image whose file system is the root. */
export type MachineFiles = { architecture: Architecture; kernel: string; initrd: string; disk: string };

/** What a root needs so that `Machine.must` is answered: a service that carries out lines from the wire. */
export const answering = {
  unit: `[Unit]
Description=Commands from the wire of the trial
After=dev-virtio\\x2dports-trial.device
Requires=dev-virtio\\x2dports-trial.device
[Service]
ExecStart=/bin/sh /usr/local/lib/trial
Restart=always
[Install]
WantedBy=multi-user.target
`,
  // What comes: a number, and a line of shell. What goes back stands between two lines with that number.
  script: `exec 3<>/dev/virtio-ports/trial
while read -r number line <&3; do
	sh -c "$line" >/run/trial.out 2>&1 </dev/null
	code=$?
	{ echo "begin $number"; cat /run/trial.out; echo; echo "end $number $code"; } >&3
done
`,
} as const;

export class Machine {
  readonly #lab: Lab;
  readonly #files: MachineFiles;
  readonly #wire: string;
  readonly #console: string;
  #qemu: Bun.Subprocess | undefined;
  #socket: Bun.Socket | undefined;
  #heard = "";
  #asked = 0;
  #withoutKvm = "";
  #nicCount = 0;
  #accelerator: Accelerator;

  constructor(lab: Lab, files: MachineFiles) {
    this.#lab = lab;
    this.#files = files;
    this.#accelerator = files.architecture === "amd64" && existsSync("/dev/kvm") ? "kvm" : "tcg";
    this.#wire = join(lab.dir, "wire");
    this.#console = join(lab.dir, "console");
  }

  /** The NICs' other ends: `tap0` and so on in the namespace, each in a bridge with a wire to the namespace of `names`. */
  connect(names: readonly string[], addresses: readonly string[]): void {
    this.#nicCount = names.length;
    for (const [index, name] of names.entries()) {
      const address = addresses[index];
      this.#lab.veth(
        { ns: name, link: "eth0", ...(address === undefined ? {} : { address }) },
        { ns, link: `p${index}` },
      );
      this.#lab.ip(ns, `tuntap add tap${index} mode tap`);
      this.#lab.ip(ns, `link set tap${index} up`);
      this.#lab.bridge(ns, `br${index}`, [`p${index}`, `tap${index}`]);
    }
  }

  /** Who computes: KVM, or an emulated processor, and why not KVM where there is one. */
  get processor(): string {
    return this.#accelerator === "kvm" ? "KVM" : `an emulated processor${this.#withoutKvm}`;
  }

  /** Switches it on; returns when it answers. */
  async start(): Promise<void> {
    try {
      await this.#switchOn();
    } catch (thrown) {
      if (this.#accelerator === "tcg") throw thrown;
      const [reason = ""] = `${thrown instanceof Error ? thrown.message : thrown}`.split("\n");
      this.#withoutKvm = ` (KVM is there and does not boot it: ${reason})`;
      await this.cut();
      this.#accelerator = "tcg";
      await this.#switchOn();
    }
  }

  /** Runs a line of shell in it; what it printed. Throws when it fails. */
  async must(line: string, deadlineMs = 60_000): Promise<string> {
    const { code, output } = await this.may(line, deadlineMs);
    if (code !== 0) throw new Error(`in the machine '${line}' ended with ${code}:\n${output.slice(-4000)}`);
    return output;
  }

  /** As `must`, but any exit code will do. */
  async may(line: string, deadlineMs = 60_000): Promise<{ code: number; output: string }> {
    this.#asked += 1;
    const answer = new RegExp(`begin ${this.#asked}\\n([^]*)\\nend ${this.#asked} (\\d+)\\n`);
    this.#heard = "";
    this.#socket?.write(`${this.#asked} ${line}\n`);
    const isAnswered = (text: string) => answer.test(text);
    const heard = await until(`an answer to '${line}'`, () => this.#heard, isAnswered, { deadlineMs });
    const [, output = "", code = ""] = answer.exec(heard) ?? [];
    return { code: Number(code), output };
  }

  /** It restarts itself; returns when it answers as another boot. */
  async reboot(): Promise<void> {
    const before = await this.#bootId();
    await this.may("systemctl reboot --no-block");
    const isAnother = (id: string) => id !== before;
    await until("another boot", () => this.#bootId(), isAnother, patience[this.#accelerator]);
  }

  /** The power goes: nothing that it had not written is on its disk. */
  async cut(): Promise<void> {
    this.#qemu?.kill("SIGKILL");
    await this.#qemu?.exited;
    this.#socket?.end();
    this.#socket = undefined;
  }

  async #switchOn(): Promise<void> {
    rmSync(this.#wire, { force: true });
    const { architecture, kernel, initrd, disk } = this.#files;
    const { qemu: program, serial, processor } = computers[architecture];
    const accelerator = ["-accel", this.#accelerator, "-cpu", this.#accelerator === "kvm" ? "host" : processor];
    const nics = Array.from({ length: this.#nicCount }, (_, index) => [
      ...["-netdev", `tap,id=n${index},ifname=tap${index},script=no,downscript=no`],
      ...["-device", `virtio-net-pci,netdev=n${index},mac=52:54:00:00:00:0${index + 1}`],
    ]).flat();
    const command = [
      ...[...program, "-nodefaults", "-display", "none", "-m", "1024", "-smp", "1", ...accelerator],
      ...["-kernel", kernel, "-initrd", initrd],
      ...["-append", `root=/dev/vda rw net.ifnames=0 console=${serial} panic=1`],
      ...["-serial", `file:${this.#console}`],
      ...["-drive", `file=${disk},format=raw,if=virtio`, "-device", "virtio-serial", "-device", "virtio-rng-pci"],
      ...["-chardev", `socket,id=wire,path=${this.#wire},server=on,wait=off`],
      ...["-device", "virtserialport,chardev=wire,name=trial", ...nics],
    ];
    const errors = Bun.file(join(this.#lab.dir, "errors"));
    const options = { stdin: "ignore", stdout: "ignore", stderr: errors } as const;
    const qemu = Bun.spawn(["ip", "netns", "exec", this.#lab.ns(ns), ...command], options);
    this.#qemu = qemu;
    const hasEnded = () => qemu.exitCode !== null || qemu.signalCode !== null;
    await until("qemu listens", () => existsSync(this.#wire) || hasEnded(), Boolean, patience[this.#accelerator]);
    // It opens its wire before it makes its processor, which is where KVM refuses.
    await Bun.sleep(500);
    if (hasEnded()) throw new Error(`qemu ended: ${await errors.text()}`);
    this.#socket = await Bun.connect({
      unix: this.#wire,
      socket: {
        data: (_, bytes) => {
          this.#heard += bytes.toString();
        },
      },
    });
    try {
      await until("the machine answers", () => this.#bootId(), Boolean, patience[this.#accelerator]);
    } catch (thrown) {
      const console = readFileSync(this.#console, "utf8").slice(-2000);
      throw new Error(`${thrown instanceof Error ? thrown.message : thrown}\nits console ends:\n${console}`);
    }
  }

  async #bootId(): Promise<string> {
    return (await this.must("cat /proc/sys/kernel/random/boot_id", 10_000)).trim();
  }
}

/** A raw disk image whose file system holds what is in `root`. */
export function diskOf(root: string, path: string): string {
  must(["truncate", "-s", "1500M", path]);
  must(["mkfs.ext4", "-q", "-F", "-d", root, path]);
  return path;
}
