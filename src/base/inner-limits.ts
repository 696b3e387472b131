/** Bounds of the interface between a runtime and its replicator (docs/formats/inner.md), which an edge has no part in. */

export const innerLimits = {
  /** Between two readings of its clock that a runtime sends its replicator, in ms, each answered by a heartbeat; so many without an answer end the stream. */
  heartbeatMs: 250,
  silentTicks: 20,
  /** A runtime that a replicator has not heard for so long, in ms, is taken for gone. */
  silenceMs: 10_000,
  /** Longest pause between two attempts to reach a replicator, and longest wait for an answer of it: short ones, and images and snapshots, in ms. */
  pauseMs: 1000,
  callMs: 30_000,
  longCallMs: 600_000,
  /** Wait of a closing client, in ms, for appends that its replicator has not answered. */
  closeMs: 5000,
  /** Wait of an append's answer, in ms, until the record that it speaks of has come over the stream. */
  arrivalMs: 250,
  /** Characters of a record's body that is appended over the stream: a larger one is a request of its own, so that it holds up no heartbeat. */
  streamAppendChars: 64 * 1024,
  /** Bytes of one request of a runtime: any record as text, so that the log itself says which is too large. */
  bodyBytes: 32 * 1024 * 1024,
  /** Lines that a replicator holds for one runtime whose connection takes nothing, in bytes. */
  heldBytes: 64 * 1024 * 1024,
} as const
