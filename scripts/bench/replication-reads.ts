/** Reads of a runtime while something else goes on: rounds without and with it take turns, and the ratio is taken within each. */
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { assert, at } from '../../src/base/assert.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { answerOf, batchOf, checkOf, grants } from './ask-cell.ts'
import { processorSeconds } from './cell.ts'
import { atMost, type Figure } from './figure.ts'
import { othersFigure, quietHalf, type Round, round } from './others.ts'
import { forMs, type Paced, paced } from './pace.ts'
import { checkQuestions } from './questions.ts'
import { Random } from './random.ts'
import type { Reference } from './reference.ts'
import type { Cell } from './replication-ingest.ts'
import { against, overRounds, type Pair } from './rounds.ts'

const READS_PER_SECOND = 400
const ROUNDS = 15
/** Of the figure that is nearest to its bar: the median of more rounds is steadier. */
const MORE_ROUNDS = 31
const ROUND_MS = 2000
const QUESTIONS = 5000
const LOOK_MS = 20

/** Reads at a steady pace, each with its answer compared. */
class Reader {
  readonly #cell: Cell
  readonly #questions
  #asked = 0

  constructor(cell: Cell, reference: Reference) {
    this.#cell = cell
    this.#questions = checkQuestions(reference, QUESTIONS, 11).map((question) => ({
      request: checkOf(question),
      answer: answerOf(question.allowed),
    }))
  }

  read(goesOn: Paced['goesOn']): Promise<readonly number[]> {
    return paced({ perSecond: READS_PER_SECOND, goesOn, send: () => this.#ask() })
  }

  async #ask(): Promise<number> {
    const { request, answer } = at(this.#questions, this.#asked++ % this.#questions.length)
    const startMs = performance.now()
    const { body } = await this.#cell.runtime.client.ask(request)
    assert(body === answer, 'decisions stay right')
    return performance.now() - startMs
  }
}

/** What goes on beside the reads, in a round, until it is done or told to end. */
type Disturbance = (number: number, goesOn: () => boolean) => Promise<void>

interface Rounds {
  readonly rounds?: number
  /** The reads go on for as long as the disturbance does, not for a time. */
  readonly whole?: boolean
}

const pairs = async (
  reader: Reader,
  disturb: Disturbance,
  { rounds = ROUNDS, whole = false }: Rounds = {},
): Promise<readonly Round<Pair>[]> => {
  const found: Round<Pair>[] = []
  for (let number = 0; number <= rounds; number += 1) {
    const pair = await round(() => pairOf(reader, (goesOn) => disturb(number, goesOn), whole))
    // The first round warms up.
    if (number > 0) found.push(pair)
  }
  return found
}

const pairOf = async (reader: Reader, disturb: (goesOn: () => boolean) => Promise<void>, whole: boolean): Promise<Pair> => {
  const without = await reader.read(forMs(ROUND_MS))
  const state = { goesOn: true, done: false }
  const disturbing = disturb(() => state.goesOn).finally(() => {
    state.done = true
  })
  const reading = reader.read(whole ? () => !state.done : forMs(ROUND_MS)).finally(() => {
    state.goesOn = false
  })
  const [during] = await Promise.all([reading, disturbing])
  return { without, during }
}

/** Writes beside the reads. */
interface Writes {
  /** In the names of what is written. */
  readonly name: string
  readonly perSecond: number
  readonly facts: number
  readonly shift: () => number
}

const small = { perSecond: 100, facts: 10 }
const bulk = { perSecond: 2, facts: 1000 }

export const readFigures = async (cell: Cell, reference: Reference): Promise<Figure[]> => {
  const reader = new Reader(cell, reference)
  const { size } = cell
  // At random moments of their intervals, so that no write is in step with the reads.
  const random = new Random(17)
  const scattered = (): number => random.next()
  const writes = await pairs(reader, writing(cell, { ...small, name: 'small', shift: scattered }), { rounds: MORE_ROUNDS })
  const inStep = await pairs(reader, writing(cell, { ...small, name: 'step', shift: () => 0 }))
  const batches = quietHalf(await pairs(reader, writing(cell, { ...bulk, name: 'bulk', shift: scattered })))
  const [beside, together, behind] = [quietHalf(writes), quietHalf(inStep), batches].map((rounds) => against(rounds, 0.99))
  assert(beside !== undefined && together !== undefined && behind !== undefined, 'all were computed')
  const stall = overRounds(
    batches.map(({ during }) => during),
    1,
  )
  const name = `reads, p99 during ${small.perSecond} writes/s of ${small.facts} facts`
  const bulkName = `reads, p99 during ${bulk.perSecond} batches/s of 1,000 facts ÷ without`
  return [
    { name: `reads over HTTP, ${READS_PER_SECOND}/s, p99`, size, value: beside.without, unit: 'ms' },
    { name: `${name}, at random moments ÷ without`, size, value: beside.value, unit: 'ms', ratio: beside.ratio, bar: atMost(2, 'ratio') },
    { name: `${name}, each sent together with a read ÷ without`, size, value: together.value, unit: 'ms', ratio: together.ratio },
    { name: bulkName, size, value: behind.value, unit: 'ms', ratio: behind.ratio },
    { name: 'stall of a batch of 1,000 facts: longest read', size, value: stall, unit: 'ms' },
    othersFigure('the reads during writes', size, writes),
  ]
}

const writing =
  ({ runtime }: Cell, { name, perSecond, facts, shift }: Writes): Disturbance =>
  async (number, goesOn) => {
    const send = async (index: number): Promise<number> => {
      await runtime.client.ask(batchOf(grants(`${name}_${number}_${index}`, facts)))
      return 0
    }
    await paced({ perSecond, shift, goesOn, send })
  }

export const publishFigures = async (cell: Cell, reference: Reference): Promise<Figure[]> => {
  const { size, replicator } = cell
  const reader = new Reader(cell, reference)
  const before = processorSeconds(replicator.process)
  const publications = await pairs(reader, publishing(cell), { whole: true })
  const seconds = (processorSeconds(replicator.process) - before) / (ROUNDS + 1)
  const computations = await pairs(reader, computing)
  const [p50, p99] = [0.5, 0.99].map((share) => against(quietHalf(publications), share))
  const compared = against(quietHalf(computations), 0.99)
  assert(p50 !== undefined && p99 !== undefined, 'both were computed')
  const name = 'while a snapshot is published ÷ without'
  return [
    { name: 'publishing a snapshot, local and to S3: processor time of the replicator', size, value: seconds, unit: 's' },
    { name: `reads, p50 ${name}`, size, value: p50.value, unit: 'ms', ratio: p50.ratio },
    // Of less it takes too short a time for a percentile.
    { name: `reads, p99 ${name}`, size, value: p99.value, unit: 'ms', ratio: p99.ratio, ...(size === '1m' && { bar: atMost(2, 'ratio') }) },
    { name: 'reads, p99 while an unrelated process computes ÷ without', size, value: compared.value, unit: 'ms', ratio: compared.ratio },
    othersFigure('the reads beside publishing', size, publications),
  ]
}

const publishing =
  ({ runtime, replicator }: Cell): Disturbance =>
  async (number) => {
    await runtime.client.ask(batchOf(grants(`publish_${number}`, 1)))
    await replicator.client.ask({ path: `/v1/environments/${developmentEnvironment}/snapshot`, body: '' })
  }

/** What the machine does to the reads when one of its processors is taken, by whatever it is. */
const computing: Disturbance = async (_number, goesOn) => {
  const worker = new Worker('for (;;);', { eval: true })
  while (goesOn()) await delay(LOOK_MS)
  await worker.terminate()
}
