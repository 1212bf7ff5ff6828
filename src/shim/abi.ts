// The TypeScript half of cshim/abi.h: the structs both sides touch and the functions TypeScript calls.
// Loading the library compares the two as text, so that neither can drift from the other unseen.

const widths = { u8: 1, u16: 2, u32: 4, i32: 4, f64: 8 } as const;
type Scalar = keyof typeof widths;

/** Lays `fields` out by C's rule for naturally aligned scalars: offsets and size in bytes. */
function struct<const F extends Record<string, Scalar>>(name: string, fields: F) {
  const offsets = {} as { [Field in keyof F]: number };
  let size = 0;
  let alignment = 1;
  for (const field in fields) {
    const width = widths[fields[field] as Scalar];
    size = Math.ceil(size / width) * width;
    offsets[field] = size;
    size += width;
    alignment = Math.max(alignment, width);
  }
  size = Math.ceil(size / alignment) * alignment;
  const lines = Object.keys(fields).map((field) => `  ${fields[field]} ${field} ${offsets[field]}\n`);
  return { ...offsets, size, text: `struct ${name} ${size}\n${lines.join("")}` };
}

export const RingPlaces = struct("mcr_ring_places", {
  done: "f64",
  sends: "f64",
  pieces: "f64",
  done_max: "u32",
  sends_max: "u32",
  pieces_max: "u32",
  features: "u32",
  fd: "i32",
});

export const Done = struct("mcr_done", { token: "u32", result: "i32", more: "u32" });

export const Send = struct("mcr_send", {
  fd: "i32",
  address: "u32",
  port: "u32",
  piece_first: "u32",
  piece_count: "u32",
  segment_size: "u32",
});

export const Piece = struct("mcr_piece", { address_low: "u32", address_high: "u32", size: "u32", size_high: "u32" });

export const CaptureCounts = struct("mcr_capture_counts", { frames: "u32", drops: "u32" });

/** struct mmsghdr. */
export const Message = struct("mcr_message", {
  name_low: "u32",
  name_high: "u32",
  name_size: "u32",
  gap: "u32",
  pieces_low: "u32",
  pieces_high: "u32",
  piece_count: "u32",
  piece_count_high: "u32",
  control_low: "u32",
  control_high: "u32",
  control_size: "u32",
  control_size_high: "u32",
  flags: "u32",
  flags_gap: "u32",
  length: "u32",
  length_gap: "u32",
});

/** struct pollfd. */
export const Watch = struct("mcr_watch", { fd: "i32", events: "u16", ready: "u16" });

/** struct timespec. */
export const Moment = struct("mcr_moment", {
  seconds: "u32",
  seconds_high: "u32",
  nanoseconds: "u32",
  nanoseconds_high: "u32",
});

const structs = [RingPlaces, Done, Send, Piece, CaptureCounts, Message, Watch, Moment];

/** Bits of RingPlaces.features; cshim/abi.h. */
export const ringFeatures = { defer: 1, gather: 2 } as const;

/** Every function of the shim, in the order of cshim/abi.h. */
export const calls = {
  mcr_abi: { args: [], returns: "cstring" },
  // memory.c
  mcr_map: { args: ["u32"], returns: "ptr" },
  mcr_map_fd: { args: ["i32", "u32"], returns: "ptr" },
  mcr_unmap: { args: ["ptr", "u32"], returns: "i32" },
  mcr_memfd: { args: ["cstring", "u32"], returns: "i32" },
  mcr_ones_sum: { args: ["ptr", "u32"], returns: "u32" },
  // ring.c
  mcr_ring_open: { args: ["ptr", "u32", "u32", "u32"], returns: "ptr" },
  mcr_ring_close: { args: ["ptr"], returns: "i32" },
  mcr_ring_poll: { args: ["ptr", "i32", "u32", "u32"], returns: "i32" },
  mcr_ring_cancel: { args: ["ptr", "u32"], returns: "i32" },
  mcr_ring_send: { args: ["ptr", "u32", "u32", "u32"], returns: "i32" },
  mcr_ring_wait: { args: ["ptr", "u32", "u32"], returns: "i32" },
  // capture.c
  mcr_capture_ring: { args: ["i32", "u32", "u32", "u32"], returns: "i32" },
  mcr_capture_bind: { args: ["i32", "u32", "u32"], returns: "i32" },
  mcr_capture_filter: { args: ["i32", "ptr", "u32"], returns: "i32" },
  mcr_capture_counts: { args: ["i32", "ptr"], returns: "i32" },
  // socket.c
  mcr_socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  mcr_close: { args: ["i32"], returns: "i32" },
  mcr_pair: { args: ["ptr", "i32"], returns: "i32" },
  mcr_pipe: { args: ["ptr"], returns: "i32" },
  mcr_eventfd: { args: [], returns: "i32" },
  mcr_eventfd_write: { args: ["i32"], returns: "i32" },
  mcr_option: { args: ["i32", "i32", "i32", "i32"], returns: "i32" },
  mcr_option_get: { args: ["i32", "i32", "i32"], returns: "i32" },
  mcr_bind_link: { args: ["i32", "cstring"], returns: "i32" },
  mcr_bind: { args: ["i32", "u32", "u32"], returns: "i32" },
  mcr_connect: { args: ["i32", "u32", "u32"], returns: "i32" },
  mcr_output_link: { args: ["i32", "u32"], returns: "i32" },
  mcr_membership: { args: ["i32", "u32", "u32", "u32", "u32"], returns: "i32" },
  mcr_read: { args: ["i32", "ptr", "u32"], returns: "i32" },
  mcr_write: { args: ["i32", "ptr", "u32"], returns: "i32" },
  mcr_send_many: { args: ["i32", "ptr", "u32"], returns: "i32" },
  mcr_fds_send: { args: ["i32", "ptr", "u32", "ptr", "u32"], returns: "i32" },
  mcr_fds_receive: { args: ["i32", "ptr", "u32", "ptr", "u32"], returns: "i32" },
  mcr_netlink: { args: ["u32"], returns: "i32" },
  // process.c
  mcr_pin: { args: ["i32", "u32"], returns: "i32" },
  mcr_prefer: { args: ["i32", "u32"], returns: "i32" },
  mcr_drop: { args: ["u32", "u32"], returns: "i32" },
  mcr_signals_ignore: { args: [], returns: "i32" },
  mcr_refused_note: { args: ["ptr"], returns: "i32" },
  mcr_exit: { args: ["i32"], returns: "i32" },
  mcr_clock_ns: { args: ["i32"], returns: "f64" },
  mcr_sleep_until: { args: ["f64"], returns: "i32" },
  mcr_call: { args: ["i32", "f64", "f64", "f64", "f64", "f64"], returns: "f64" },
  // traffic.c
  mcr_traffic_wait: { args: ["ptr", "u32", "u32"], returns: "i32" },
  mcr_traffic_receive: { args: ["i32", "ptr", "u32"], returns: "i32" },
  mcr_traffic_drops: { args: ["i32"], returns: "f64" },
  mcr_traffic_moment: { args: ["ptr"], returns: "i32" },
} as const;

/** The whole contract as text; cshim/abi.c prints its own the same way. */
export function abiText(): string {
  const signatures = Object.entries(calls).map(
    ([name, { args, returns }]) => `${returns} ${name}(${args.join(", ") || "void"})\n`,
  );
  return structs.map((each) => each.text).join("") + signatures.join("");
}

/** The first line in which two contracts differ, or undefined when they are one. */
export function abiDifference(ours: string, theirs: string): string | undefined {
  const left = ours.split("\n");
  const right = theirs.split("\n");
  const at = Array.from({ length: Math.max(left.length, right.length) }, (_, line) => line).find(
    (line) => left[line] !== right[line],
  );
  return at === undefined ? undefined : `TypeScript has "${left[at] ?? ""}", C has "${right[at] ?? ""}"`;
}
