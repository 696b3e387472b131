/** Decisions in process over a replica that came as an image, against one that applied the same records itself. */
import { ActivePolicy } from '../../snapshots/active-policy.ts'
import { compileModules, storeFactory, storePool } from '../../snapshots/node/stores.ts'
import { assert } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Store } from '../../src/store/facts.ts'
import { askCheck } from './ask.ts'
import type { Figure } from './figure.ts'
import { type GithubShape, githubSet } from './github.ts'
import { type CheckQuestion, checkQuestions } from './questions.ts'
import { against, type Pair } from './rounds.ts'
import { microseconds, Samples } from './timing.ts'
import { load } from './world.ts'

const ROUNDS = 11
const PER_ROUND = 2000

export const imageFigures = async (size: string, shape: GithubShape): Promise<Figure[]> => {
  const modules = await compileModules()
  const native = load(storeFactory(modules)(), size, githubSet(shape))
  const image = native.store.database.serialize()
  const receiving = new Samples()
  const writer = storePool(modules).receive(image.length)
  const received = receiving.time(() => {
    writer.write(image)
    return activated(writer.finish())
  })
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

/** As a replica does it, but the dictionary is taken into memory at once. */
const activated = (store: Store): Engine => {
  const active = new ActivePolicy(store)
  active.start()
  assert(active.problem === null, 'the policy of the image compiles')
  while (!store.warm(limits.warmValues));
  return active.engine
}

const timed = (engine: Engine, questions: readonly CheckQuestion[]): number[] =>
  questions.map((question) => {
    const startMs = performance.now()
    const allowed = askCheck(engine, question)
    const tookMs = performance.now() - startMs
    assert(allowed === question.allowed, 'decisions stay right while they are timed')
    return tookMs
  })
