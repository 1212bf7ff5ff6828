// Reads a TPACKET_V2 ring as packet(7) describes it; on purpose without a line of src/relay/.

/** One frame of a ring; sizes and offsets in bytes, offsets from the slot's start. */
export type Slot = {
  status: number;
  length: number;
  capturedLength: number;
  macOffset: number;
  networkOffset: number;
  vlanTci: number;
  packetType: number;
  /** The virtio_net_hdr, 10 bytes. */
  offload: Uint8Array<ArrayBuffer>;
  frame: Uint8Array<ArrayBuffer>;
};

export const slotStatus = { user: 1, copy: 2, losing: 4, csumNotReady: 8, vlanValid: 16, csumValid: 128 } as const;

type Ring = { slotSize: number; blockSize: number; slotCount: number };

/** All slots that hold a frame, in order, from slot 0 to the first empty one. */
export function slotsOf(bytes: Uint8Array, { slotSize, blockSize, slotCount }: Ring): Slot[] {
  const perBlock = Math.floor(blockSize / slotSize);
  const slots: Slot[] = [];
  for (let index = 0; index < slotCount; index++) {
    const start = Math.floor(index / perBlock) * blockSize + (index % perBlock) * slotSize;
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, slotSize);
    const status = view.getUint32(0, true);
    if ((status & slotStatus.user) === 0) break;
    const [capturedLength, macOffset] = [view.getUint32(8, true), view.getUint16(12, true)];
    const at = start + macOffset;
    slots.push({
      status,
      length: view.getUint32(4, true),
      capturedLength,
      macOffset,
      networkOffset: view.getUint16(14, true),
      vlanTci: view.getUint16(24, true),
      packetType: view.getUint8(32 + 10),
      offload: Uint8Array.from(bytes.subarray(at - 10, at)),
      frame: Uint8Array.from(bytes.subarray(at, at + capturedLength)),
    });
  }
  return slots;
}
