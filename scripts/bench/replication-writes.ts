/** Writes at a steady pace: how long until one is durable and visible, on its own cell and on all. */
import { assert, known } from '../../src/base/assert.ts'
import { answerOf, batchOf, checkGrant, grantTo } from './ask-cell.ts'
import type { Serving } from './cell.ts'
import { headerOf } from './connection.ts'
import { atMost, type Figure } from './figure.ts'
import { othersFigure, quietHalf, type Round, round } from './others.ts'
import { forMs, paced } from './pace.ts'
import { ready } from './replication-ingest.ts'
import { overRounds } from './rounds.ts'

const PER_SECOND = 200
const ROUNDS = 11
const ROUND_MS = 4000
/** On its own cell, this share of writes is looked for after its answer; on the others each is. */
const LOOKED_FOR = 10

interface Visible {
  /** From sending a write to its answer. */
  readonly own: readonly number[]
  /** From sending it to the last of the answers that see it. */
  readonly all: readonly number[]
}

/** The first server takes the writes. */
export const writeFigures = async (size: string, [own, ...others]: readonly Serving[]): Promise<Figure[]> => {
  const writer = known(own, 'a server takes the writes')
  await Promise.all([writer, ...others].map(ready))
  const rounds: Round<Visible>[] = []
  for (let number = 0; number <= ROUNDS; number += 1) {
    const found = await round(() => writeRound(writer, others, `w${others.length}_${number}`))
    // The first round warms up.
    if (number > 0) rounds.push(found)
  }
  const figures = others.length === 0 ? ownFigures(size, quietHalf(rounds)) : allFigures(size, others.length + 1, quietHalf(rounds))
  return [...figures, othersFigure('the writes', size, rounds)]
}

const writeRound = async (writer: Serving, others: readonly Serving[], name: string): Promise<Visible> => {
  const own: number[] = []
  const send = async (index: number): Promise<number> => {
    const user = `${name}_${index}`
    const startMs = performance.now()
    const token = await write(writer, user)
    own.push(performance.now() - startMs)
    await Promise.all(others.map((other) => see(other, user, token)))
    const tookMs = performance.now() - startMs
    if (index % LOOKED_FOR === 0) await see(writer, user)
    return tookMs
  }
  return { all: await paced({ perSecond: PER_SECOND, goesOn: forMs(ROUND_MS), send }), own }
}

const pace = `${PER_SECOND} writes/s`

const ownFigures = (size: string, rounds: readonly Visible[]): Figure[] => {
  const own = rounds.map((found) => found.own)
  const name = `write durable and visible on its cell, ${pace}`
  return [
    { name: `${name}, p50`, size, value: overRounds(own, 0.5), unit: 'ms', bar: atMost(6) },
    { name: `${name}, p99`, size, value: overRounds(own, 0.99), unit: 'ms', bar: atMost(40) },
  ]
}

const allFigures = (size: string, cells: number, rounds: readonly Visible[]): Figure[] => {
  const [own, all] = [rounds.map((found) => found.own), rounds.map((found) => found.all)]
  const name = `write read on all ${cells} cells of this machine, ${pace}`
  const beside = `the same write on its own cell, beside ${cells - 1} others`
  return [
    { name: `${name}, p50`, size, value: overRounds(all, 0.5), unit: 'ms', bar: atMost(12) },
    { name: `${name}, p99`, size, value: overRounds(all, 0.99), unit: 'ms', bar: atMost(80) },
    { name: `${beside}, p50`, size, value: overRounds(own, 0.5), unit: 'ms' },
    { name: `${beside}, p99`, size, value: overRounds(own, 0.99), unit: 'ms' },
  ]
}

/** Its token. Answered when it is durable and applied. */
const write = async ({ client }: Serving, user: string): Promise<string> => {
  const answer = await client.ask(batchOf([grantTo(user)]))
  assert(headerOf(answer, 'Arctos-Applied') !== 'false', 'a write is applied when it is answered')
  return known(headerOf(answer, 'OsoOffset'), 'a write has a token')
}

const see = async ({ client }: Serving, user: string, token?: string): Promise<void> => {
  const { body } = await client.ask({ ...checkGrant(user), ...(token !== undefined && { token }) })
  assert(body === answerOf(true), 'a write is visible where it was answered and where its token is sent')
}
