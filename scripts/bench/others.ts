/** What else the machine does: processes that are no part of the bench take processors from it, and a round with many of them tells little. */
import { readdirSync, readFileSync } from 'node:fs'
import { assert } from '../../src/base/assert.ts'
import type { Figure } from './figure.ts'
import { percentile } from './timing.ts'

/** Of Linux, for what it tells of times. */
const TICKS_PER_SECOND = 100

/** Processors that others used since this was called, on average, when the result is called. */
export const watchOthers = (): (() => number) => {
  const [startMs, start] = [performance.now(), othersTicks()]
  return () => Math.max(0, (othersTicks() - start) / TICKS_PER_SECOND / ((performance.now() - startMs) / 1000))
}

/** Whatever was measured, with the processors that others used meanwhile. */
export interface Round<T> {
  readonly found: T
  readonly others: number
}

export const round = async <T>(measure: () => Promise<T>): Promise<Round<T>> => {
  const others = watchOthers()
  const found = await measure()
  return { found, others: others() }
}

/** The half of the rounds in which others did the least, whatever was measured in them. */
export const quietHalf = <T>(rounds: readonly Round<T>[]): readonly T[] =>
  rounds
    .toSorted((a, b) => a.others - b.others)
    .slice(0, Math.ceil(rounds.length / 2))
    .map(({ found }) => found)

/** Of the rounds that count. */
export const othersFigure = (what: string, size: string, rounds: readonly Round<unknown>[]): Figure => {
  const counted = quietHalf(rounds.map(({ others }) => ({ found: others, others })))
  return { name: `processors that others took from ${what}`, size, value: percentile(counted, 0.5), unit: 'of this machine' }
}

const othersTicks = (): number => busyTicks(readFileSync('/proc/stat', 'utf8')) - ownTicks()

/** Of all processors, but idle and waiting for a disk. */
export const busyTicks = (stat: string): number => {
  const [user, nice, system, , , irq, softirq] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number)
  const sum = [user, nice, system, irq, softirq].reduce<number>((total, ticks) => total + (ticks ?? Number.NaN), 0)
  assert(!Number.isNaN(sum), 'the kernel tells what its processors did')
  return sum
}

/** Of the bench and all that it started. */
const ownTicks = (): number => {
  const stats = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return ticksOfFamily(stats.map(statOf), process.pid)
}

/** Of a process and everything below it, whatever session that made itself. `stats`: of all processes. */
export const ticksOfFamily = (stats: readonly string[], pid: number): number => {
  const processes = new Map(stats.filter((stat) => stat !== '').map((stat) => [Number.parseInt(stat, 10), processTicks(stat)]))
  const belongs = (id: number): boolean => id === pid || (id > 1 && belongs(processes.get(id)?.parent ?? 0))
  return [...processes].reduce((sum, [id, { ticks }]) => sum + (belongs(id) ? ticks : 0), 0)
}

/** Empty when it has just ended. */
const statOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}

/** Those of children that have ended are in their parent's. */
export const processTicks = (stat: string): { readonly parent: number; readonly ticks: number } => {
  // Behind the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const numbers = [11, 12, 13, 14].map((index) => Number(fields[index] ?? 0))
  return { parent: Number(fields[1] ?? 0), ticks: numbers.reduce((sum, ticks) => sum + ticks, 0) }
}
