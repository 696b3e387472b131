/** What writers and readers of a run work with. */
import type { Random } from '../bench/random.ts'
import type { Reply } from './ask.ts'
import type { Oracle } from './oracle.ts'

export interface Target {
  readonly name: string
  readonly url: string
  readonly key: string
  /** Oldest state that it was told to answer from, null for any. */
  readonly fenceMs: number | null
}

export interface LoadOptions {
  readonly cells: readonly Target[]
  /** Read-only; answers whatever the position. */
  readonly fallback: Target | null
  readonly oracle: Oracle
  readonly random: Random
  /** Told of each read that every server refused; the cell is the one that has the position that was asked for. */
  readonly readFailed: (detail: string, after: { readonly revision: number; readonly cell: number } | null) => void
  readonly unexpected: (detail: string) => void
  /** Tells the registers and entries of one load from those of another on the same cluster. */
  readonly names?: string
  /** 6 by default: writers of registers, beside 2 of entries. */
  readonly writers?: number
  /** 8 by default, beside one that asks the fallback first. */
  readonly readers?: number
}

export interface LoadCounts {
  reads: number
  secondTried: number
  acknowledged: number
  refused: number
  unknown: number
  /** Writes that were durable and not applied within the wait. */
  later: number
}

/** A write that the cell which acknowledged it has applied. */
export interface Written {
  readonly position: string
  readonly revision: number
  readonly cell: number
}

/** Refusals that tell a client to come again, and no answer, are what faults bring; nothing else is. */
export const isExpected = ({ status }: Reply): boolean => status === 0 || status === 503 || status === 429

/** Around that time, so that the load does not march in step. */
export const restMs = (random: Random, ms: number): number => ms * (0.5 + random.next())
