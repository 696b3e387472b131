/** Decisions inside an isolate, and requests for them against an echo route of the same Worker. */
import { assert, at } from '../../src/base/assert.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { answerOf, checkOf } from './ask-cell.ts'
import type { EdgeWorld } from './edge.ts'
import { atLeast, atMost, type Figure } from './figure.ts'
import { Load } from './load.ts'
import { othersFigure, quietHalf, type Round, round } from './others.ts'
import { type CheckQuestion, checkQuestions } from './questions.ts'
import { median } from './rounds.ts'
import { type RunningWorker, startWorkerd } from './workerd.ts'

const DECISION_ROUNDS = 21
const PER_REQUEST = 2000

/** Clocks of an isolate stand still while it computes: a request that decides many questions is timed from outside, against one that decides none of them. */
export const decisionFigures = async (world: EdgeWorld): Promise<Figure[]> => {
  const worker = await readyWorker(world)
  try {
    const questions = checkQuestions(world.answers, (DECISION_ROUNDS + 1) * PER_REQUEST, 41)
    const rounds: Round<number>[] = []
    for (let number = 0; number <= DECISION_ROUNDS; number += 1) {
      const asked = questions.slice(number * PER_REQUEST, (number + 1) * PER_REQUEST)
      const found = await round(async () => {
        const none = await decisionsMs(worker, asked, false)
        return perDecision({ deciding: await decisionsMs(worker, asked, true), none, count: PER_REQUEST })
      })
      // The first one warms up.
      if (number > 0) rounds.push(found)
    }
    const { rawBytes } = world
    const size = `${world.size}, image of ${(rawBytes / 1e6).toFixed(1)} MB`
    return [
      { name: 'decision inside an isolate, p50 of rounds', size, value: median(quietHalf(rounds)), unit: 'µs', bar: atMost(60) },
      othersFigure('the decisions of workerd', size, rounds),
    ]
  } finally {
    await worker.stop()
  }
}

/** Microseconds, of times in milliseconds. */
export const perDecision = (times: { readonly deciding: number; readonly none: number; readonly count: number }): number =>
  ((times.deciding - times.none) * 1000) / times.count

const decisionsMs = async ({ client }: RunningWorker, asked: readonly CheckQuestion[], decide: boolean): Promise<number> => {
  const questions = asked.map(({ user, action, resource }) => [user, action, resource.type, resource.id])
  const startMs = performance.now()
  const { body } = await client.ask({ path: '/api/decisions', body: JSON.stringify({ decide, questions }) })
  const elapsedMs = performance.now() - startMs
  const expected = JSON.stringify({ allowed: asked.map(({ allowed }) => decide && allowed) })
  assert(body === expected, 'decisions are right')
  return elapsedMs
}

const CONNECTIONS = 16
const REQUEST_ROUNDS = 21
const PER_ROUND = 1000

export const requestFigures = async (world: EdgeWorld): Promise<Figure[]> => {
  const worker = await readyWorker(world)
  const load = new Load({ port: worker.port, key: developmentKey })
  try {
    const questions = checkQuestions(world.answers, (REQUEST_ROUNDS + 1) * PER_ROUND, 51)
    const rounds: Round<Rates>[] = []
    for (let number = 0; number <= REQUEST_ROUNDS; number += 1) {
      const asked = questions.slice(number * PER_ROUND, (number + 1) * PER_ROUND)
      const found = await round(async () => ({
        echo: await rate(load, '/api/echo', asked),
        authorize: await rate(load, '/api/authorize', asked),
      }))
      if (number > 0) rounds.push(found)
    }
    return [...rateFigures(world.size, quietHalf(rounds)), othersFigure('the requests of workerd', world.size, rounds)]
  } finally {
    await load.close()
    await worker.stop()
  }
}

/** Requests per second. */
export interface Rates {
  readonly echo: number
  readonly authorize: number
}

/** The ratio is taken within each round. */
export const rateFigures = (size: string, rounds: readonly Rates[]): Figure[] => [
  { name: 'workerd: echo', size, value: median(rounds.map(({ echo }) => echo)), unit: 'requests/s' },
  {
    name: 'workerd: authorize ÷ echo',
    size,
    value: median(rounds.map(({ authorize }) => authorize)),
    unit: 'requests/s',
    ratio: median(rounds.map(({ echo, authorize }) => authorize / echo)),
    bar: atLeast(0.6, 'ratio'),
  },
]

const rate = async (load: Load, path: string, asked: readonly CheckQuestion[]): Promise<number> => {
  const exchanges = asked.map((question) => ({
    body: checkOf(question).body ?? '',
    answer: path === '/api/authorize' ? answerOf(question.allowed) : null,
  }))
  const { seconds } = await load.run({ path, connections: CONNECTIONS, exchanges })
  return exchanges.length / seconds
}

/** One that has loaded what it answers from. */
const readyWorker = async (world: EdgeWorld): Promise<RunningWorker> => {
  const worker = await startWorkerd(world)
  const question = at(checkQuestions(world.answers, 1, 61), 0)
  await worker.untilAnswered(checkOf(question), answerOf(question.allowed))
  return worker
}
