// Generator and receiver.

export const trafficLimits = {
  /** A UDP payload: 65,535 less the headers of IPv4 and UDP. */
  datagramSizeMax: 65_507,
  /** A socket each. */
  trafficFlowsMax: 1_000,
  /** Datagrams a call: beyond some dozens the call itself costs nothing. */
  trafficBatchMax: 64,
  /** Linux: UDP_MAX_SEGMENTS was 64 until 6.9. */
  trafficSegmentsMax: 64,
  /** How long the loops stay away from signals and timers. */
  trafficSliceMs: 50,
  trafficSliceMaxMs: 100,
  /** A generator this late moves its schedule: catching up further would be a burst that nobody asked for. */
  trafficLagMaxMs: 20,
  /** Sequence numbers a receiver can judge as late or twice, a stream: 0.2 s at 1,000,000/s, in 32 KiB. */
  trafficWindowSize: 262_144,
  /** Streams a receiver tells apart; 32 MiB of windows. */
  trafficStreamsMax: 1_024,
  /** What may wait at a receiving socket. 64-byte datagrams take 768 bytes there: 20,000 of them. */
  trafficReceiveBufferSize: 16 * 1024 * 1024,
} as const;
