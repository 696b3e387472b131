/** Decisions in process over a replica that came as an image, against one that applied the same records itself. */
import { compileModules, storeFactory, storePool } from '../../snapshots/node/stores.ts'
import { assert } from '../../src/base/assert.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { askCheck } from './ask.ts'
import type { Figure } from './figure.ts'
import { type GithubShape, githubSet } from './github.ts'
import { type CheckQuestion, checkQuestions } from './questions.ts'
import { against, type Pair } from './rounds.ts'
import { microseconds, Samples } from './timing.ts'
import { load, overImage } from './world.ts'

const ROUNDS = 11
const PER_ROUND = 2000

export const imageFigures = async (size: string, shape: GithubShape): Promise<Figure[]> => {
  const modules = await compileModules()
  const native = load(storeFactory(modules)(), size, githubSet(shape))
  const image = native.store.database.serialize()
  const receiving = new Samples()
  const pool = storePool(modules)
  const received = receiving.time(() => overImage(image, pool)).engine
  const questions = checkQuestions(native.data.answers(), ROUNDS * PER_ROUND, 13)
  const pairs: Pair[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const asked = questions.slice(round * PER_ROUND, (round + 1) * PER_ROUND)
    pairs.push({ without: timed(native.engine, asked), during: timed(received, asked) })
  }
  const { value, ratio } = against(pairs.slice(1), 0.5)
  return [
    { name: 'image of a snapshot: received and its policy active, in process', size, value: receiving.sum, unit: 'ms' },
    { name: 'authorize in process over an image p50 ÷ over what was applied', size, value: microseconds(value), unit: 'µs', ratio },
  ]
}

const timed = (engine: Engine, questions: readonly CheckQuestion[]): number[] =>
  questions.map((question) => {
    const startMs = performance.now()
    const allowed = askCheck(engine, question)
    const tookMs = performance.now() - startMs
    assert(allowed === question.allowed, 'decisions stay right while they are timed')
    return tookMs
  })
