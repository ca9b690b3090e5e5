/** Limits that both sides keep (SPEC §8). Bytes unless the name contains another unit. */
export const limits = {
  /** Nesting of arrays and maps; the message itself is 1. */
  depth: 4,
  /** Largest message on any carrier. */
  messageBytes: 1024,
  /** Smallest message limit that a device may have; the default if hello has no key 2. */
  minMessageBytes: 128,
  /** Default if hello has no key 3. */
  minRxWindowBytes: 64,
  /** Largest window that a credit may give. */
  windowBytes: 16_384,
  /** Bytes that a device may send on a stream before the first credit. */
  initialWindowBytes: 512,
  /** Highest stream id; the lowest is 1. */
  streamId: 23,
  /** Highest signal of exec-control; the lowest is 1. */
  signal: 64,
  hardwareIdBytes: 12,
  boardBytes: 16,
  firmwareBytes: 20,
  /** Encoded results that a device records with an at-most-once request. */
  atMostOnceResultBytes: 8,
  /** Longest path of a file. */
  pathBytes: 255,
  /** Highest mode of a file: its nine permission bits. */
  fileMode: 0o777,
  taskNameBytes: 16,
  peripheralBytes: 32,
  peripheralKindBytes: 16,
  /** Bytes of a message that argv must leave free. */
  argvReserveBytes: 32,
  /** Shortest text that is salvaged from a bad segment. */
  salvagedTextBytes: 8,
  /** Silence that ends a segment, milliseconds. */
  segmentSilenceMs: 100,
  /** Largest multiple of rto between repetitions. */
  rtoBackoff: 8,
} as const;

/** Defaults if nothing else is configured or negotiated (SPEC §8). */
export const defaults = {
  heartbeatS: 10,
  serialRtoMs: 500,
  rtoMs: 2000,
  reportWindow: 4,
  /** Streams that a device can have open at the same time; the default if hello has no key 12. */
  streams: 2,
  /** Silence after which the gateway pings, in tenths of a heartbeat. */
  pingAfterTenths: 13,
  /** The gateway repeats a ping after this fraction of a heartbeat, or after rto if that is shorter. */
  pingsPerHeartbeat: 15,
  /** Silence after which the device counts as lost, in tenths of a heartbeat. */
  lostAfterTenths: 25,
  /** Heartbeats without a message from the gateway after which a device sends hello again. */
  helloAfterHeartbeats: 3,
  closingSeconds: 1,
  refusedSeconds: 60,
  busySeconds: 5,
  /** A device's wait before it connects again, milliseconds; it doubles each time, up to one of the next two limits. */
  reconnectMs: 250,
  /** Limit after connections that failed. */
  reconnectFailedMs: 1_500,
  /** Limit after connections that were accepted and then cut, */
  reconnectCutMs: 16_000,
  /** … before they had lasted for this time. */
  steadyConnectionS: 60,
} as const;
