// What a link's driver says of itself: ioctl SIOCETHTOOL, linux/ethtool.h. Only questions, which need no right.
import { errno } from "./errno.ts";
import { type Mapped, map } from "./memory.ts";
import { closeSocket, type Failure, isFailure, openUdp, outcomeOf } from "./socket.ts";
import { systemCall } from "./system-call.ts";

/** `isFixed`: the driver does not let it be changed. */
export type LinkFeature = { isOn: boolean; isFixed: boolean };

/** Queues of a link that share interrupts: as set, and as many as it has. A driver has combined ones, or some of each kind. */
export type LinkChannels = { receive: number; receiveMax: number; combined: number; combinedMax: number };

const siocEthtool = 0x8946;
const commands = { setInfo: 0x37, strings: 0x1b, features: 0x3a, channels: 0x3c } as const;
/** ETH_SS_FEATURES */
const featureNames = 4;
const nameSize = 32;
/** The kernel of today has 65; its own bound is 128 for long (NETDEV_FEATURE_COUNT). */
const featuresMax = 256;

// struct ifreq: a name, then the address of the question.
const at = { request: 0, question: 64 } as const;
const pointerAt = 16;

/** Asks the driver of one link; opened for some questions, closed after them. */
export class LinkDriver {
  private readonly fd: number;
  private readonly memory: Mapped;

  private constructor(fd: number, memory: Mapped) {
    this.fd = fd;
    this.memory = memory;
  }

  /** The link must exist when it is asked: else every answer is ENODEV. */
  static open(link: string): LinkDriver | Failure {
    const fd = openUdp();
    if (isFailure(fd)) {
      return fd;
    }
    const memory = map(at.question + 16 + featuresMax * nameSize);
    memory.u8.set(new TextEncoder().encode(link).subarray(0, pointerAt - 1), at.request);
    const address = memory.at(at.question) as number;
    memory.u32.set([address % 2 ** 32, Math.floor(address / 2 ** 32)], (at.request + pointerAt) / 4);
    return new LinkDriver(fd, memory);
  }

  /** Every feature by the kernel's name for it, such as `rx-gro-list`. */
  features(): Map<string, LinkFeature> | Failure {
    const count = this.featureCount();
    if (isFailure(count)) {
      return count;
    }
    const asked = this.ask("ETHTOOL_GSTRINGS", [commands.strings, featureNames, count]);
    if (isFailure(asked)) {
      return asked;
    }
    const names = Array.from({ length: count }, (_, index) => this.name(at.question + 12 + index * nameSize));
    const blocks = Math.ceil(count / 32);
    const read = this.ask("ETHTOOL_GFEATURES", [commands.features, blocks]);
    if (isFailure(read)) {
      return read;
    }
    // struct ethtool_get_features_block: available, requested, active, never_changed.
    const bit = (index: number, word: number) =>
      (((this.answer(2 + Math.floor(index / 32) * 4 + word) ?? 0) >>> (index % 32)) & 1) === 1;
    return new Map(
      names.map((name, index) => [name, { isOn: bit(index, 2), isFixed: !bit(index, 0) || bit(index, 3) }]),
    );
  }

  /** EOPNOTSUPP from drivers without queues to set, as of virtual links. */
  channels(): LinkChannels | Failure {
    const read = this.ask("ETHTOOL_GCHANNELS", [commands.channels]);
    return isFailure(read)
      ? read
      : {
          receiveMax: this.answer(1),
          combinedMax: this.answer(4),
          receive: this.answer(5),
          combined: this.answer(8),
        };
  }

  close(): void {
    closeSocket(this.fd);
    this.memory.close();
  }

  private featureCount(): number | Failure {
    // struct ethtool_sset_info: the mask of sets, 64 bits, then a length for each that is known.
    const asked = this.ask("ETHTOOL_GSSET_INFO", [commands.setInfo, 0, 1 << featureNames, 0]);
    if (isFailure(asked)) {
      return asked;
    }
    const count = this.answer(4);
    return count > 0 && count <= featuresMax ? count : { step: "ETHTOOL_GSSET_INFO", errno: errno.EMSGSIZE };
  }

  private ask(step: string, question: readonly number[]): number | Failure {
    this.memory.u8.fill(0, at.question);
    this.memory.u32.set(question, at.question / 4);
    return outcomeOf(step, systemCall("ioctl", this.fd, siocEthtool, this.memory.pointer));
  }

  private answer(word: number): number {
    return this.memory.u32[at.question / 4 + word] ?? 0;
  }

  private name(offset: number): string {
    const bytes = this.memory.u8.slice(offset, offset + nameSize);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.subarray(0, end < 0 ? nameSize : end));
  }
}
