// What only system calls can tell. Loaded on demand: where the native library cannot be loaded, the rest can still be looked at.

import { isClockSynchronised } from "../shim/clock.ts";
import { errnoName } from "../shim/errno.ts";
import { type LinkChannels, LinkDriver, type LinkFeature } from "../shim/ethtool.ts";
import { attributeSize } from "../shim/file-attribute.ts";
import { origin } from "../shim/library.ts";
import { EndingProgram } from "../shim/program.ts";
import { type RingTrial, tryRing } from "../shim/ring-trial.ts";
import { closeSocket, isFailure, openPacket } from "../shim/socket.ts";
import { queriers } from "./queriers.ts";

/** Refusals are errno names; undefined where the thing works. */
export type Native = {
  /** How the library was loaded when not by memfd. */
  libraryNote: string | undefined;
  ring(): RingTrial;
  captureError(): string | undefined;
  ebpfError(): string | undefined;
  driver(link: string): DriverFacts;
  /** Whether the file carries capabilities; undefined when that cannot be known. */
  hasFileCapabilities(path: string): boolean | undefined;
  isClockSynchronised(): boolean | undefined;
  /** Bridges by name: whether IGMP has a querier there, this host or another; told since Linux 5.16. */
  queriers(): ReadonlyMap<string, boolean>;
};

/** What a link's driver says; what it refuses to say is undefined. */
export type DriverFacts = {
  features: ReadonlyMap<string, LinkFeature> | undefined;
  channels: LinkChannels | undefined;
  refusal?: string;
};

/** linux/errno.h; the file has no such attribute, or its file system has none at all. */
const attributeless: readonly number[] = [61 /* ENODATA */, 95 /* EOPNOTSUPP */];

export const native: Native = {
  libraryNote: origin.note,
  ring: tryRing,
  captureError: () => {
    const fd = openPacket();
    if (isFailure(fd)) {
      return errnoName(fd.errno);
    }
    closeSocket(fd);
    return undefined;
  },
  ebpfError: () => {
    const program = EndingProgram.open({ rulesMax: 1, countersMax: 1 });
    if (isFailure(program)) {
      return errnoName(program.errno);
    }
    program.close();
    return undefined;
  },
  driver: driverFacts,
  hasFileCapabilities: (path) => {
    const size = attributeSize(path, "security.capability");
    return isFailure(size) ? (attributeless.includes(size.errno) ? false : undefined) : size > 0;
  },
  isClockSynchronised,
  queriers,
};

function driverFacts(link: string): DriverFacts {
  const driver = LinkDriver.open(link);
  if (isFailure(driver)) {
    return { features: undefined, channels: undefined, refusal: errnoName(driver.errno) };
  }
  try {
    const [features, channels] = [driver.features(), driver.channels()];
    return {
      features: isFailure(features) ? undefined : features,
      channels: isFailure(channels) ? undefined : channels,
      ...(isFailure(features) ? { refusal: errnoName(features.errno) } : {}),
    };
  } finally {
    driver.close();
  }
}
