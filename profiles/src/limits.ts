/** Bounds that both sides keep (SPEC §8). Bytes unless the name says otherwise. */
export const limits = {
  /** Nesting of arrays and maps; the message itself is 1. */
  depth: 4,
  /** Largest message that any carrier takes. */
  messageBytes: 1024,
  /** Smallest message limit a device may have; what hello's absence of key 2 means. */
  minMessageBytes: 128,
  /** What hello's absence of key 3 means. */
  minRxWindowBytes: 64,
  /** Largest window that a credit may give. */
  windowBytes: 16_384,
  /** What a device may send on a stream before the first credit. */
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
  /** What argv must leave free of a message. */
  argvReserveBytes: 32,
  /** Shortest text that is salvaged from a bad segment. */
  salvagedTextBytes: 8,
  /** Silence that ends a segment, milliseconds. */
  segmentSilenceMs: 100,
  /** Largest multiple of rto between repetitions. */
  rtoBackoff: 8,
} as const;

/** What holds where nothing else is configured or said (SPEC §8). */
export const defaults = {
  heartbeatS: 10,
  serialRtoMs: 500,
  rtoMs: 2000,
  reportWindow: 4,
  /** Streams that a device has open at a time; what hello's absence of key 12 means. */
  streams: 2,
  /** Heartbeats of silence, in tenths: the gateway pings. */
  pingAfterTenths: 13,
  /** The gateway repeats a ping after this part of a heartbeat, or after rto where that is shorter. */
  pingsPerHeartbeat: 15,
  /** Heartbeats of silence, in tenths: the gateway judges the device lost. */
  lostAfterTenths: 25,
  /** Heartbeats in which a device hears nothing before it says hello again. */
  helloAfterHeartbeats: 3,
  closingSeconds: 1,
  refusedSeconds: 60,
  busySeconds: 5,
  /** A device's wait before it connects again, milliseconds: doubled each time, up to … */
  reconnectMs: 250,
  /** … this after connections that did not come about, */
  reconnectFailedMs: 1_500,
  /** … and this after connections that were accepted and then cut, */
  reconnectCutMs: 16_000,
  /** … before they had lasted this long. */
  steadyConnectionS: 60,
} as const;
