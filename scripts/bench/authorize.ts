/** The check in process: against one keyed look-up of the same run, and 1 M facts against 10 k. */
import { assert, at, known } from '../../src/base/assert.ts'
import { createEngine } from '../../src/engine/create.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Encoded } from '../../src/store/facts.ts'
import { agreeOnChecks } from './agree.ts'
import { askCheck } from './ask.ts'
import { atMost, type Figure } from './figure.ts'
import { type CheckQuestion, checkQuestions } from './questions.ts'
import { Random } from './random.ts'
import { microseconds, Samples } from './timing.ts'
import type { World } from './world.ts'

const ROUNDS = 10
const PER_ROUND = 2000
const CHECKED = 4000

interface Run {
  readonly world: World
  readonly questions: readonly CheckQuestion[]
  readonly lookUp: (index: number) => boolean
  readonly checks: Samples
  /** The same questions to an engine that remembers nothing of subjects. */
  readonly plainEngine: Engine
  readonly plainChecks: Samples
  readonly lookUps: Samples
}

/** Rounds of all sizes take turns, so that noise of the machine meets all of them. */
export const authorizeFigures = (worlds: readonly World[]): Figure[] => {
  const runs = worlds.map((world): Run => {
    agreeOnChecks(world, checkQuestions(world.reference, CHECKED, 1))
    const questions = checkQuestions(world.reference, ROUNDS * PER_ROUND, 2)
    const plainEngine = createEngine({ store: world.store, policy: world.policy, memory: 'none' })
    const samples = { checks: new Samples(), plainChecks: new Samples(), lookUps: new Samples() }
    return { world, questions, lookUp: keyedLookUp(world), plainEngine, ...samples }
  })
  for (let round = 0; round < ROUNDS; round += 1) for (const run of runs) runRound(run, round)
  const small = runs.length > 1 ? at(runs, 0) : null
  return runs.flatMap((run, index) => figuresOf(run, index === 0 ? null : small))
}

const runRound = ({ world, questions, lookUp, checks, plainEngine, plainChecks, lookUps }: Run, round: number): void => {
  const first = round * PER_ROUND
  const engines = [[world.engine, checks] as const, [plainEngine, plainChecks] as const]
  // The second to be asked meets pages that the first has brought into caches: they take turns.
  for (const [engine, samples] of round % 2 === 0 ? engines : engines.toReversed()) {
    for (let index = first; index < first + PER_ROUND; index += 1) {
      const question = at(questions, index)
      const allowed = samples.time(() => askCheck(engine, question))
      assert(allowed === question.allowed, 'decisions stay right while they are timed')
    }
  }
  for (let index = first; index < first + PER_ROUND; index += 1)
    assert(
      lookUps.time(() => lookUp(index)),
      'the row that is looked up is there',
    )
}

const figuresOf = ({ world: { size }, checks, plainChecks, lookUps }: Run, small: Run | null): Figure[] => [
  { name: 'keyed look-up p50', size, value: microseconds(lookUps.p50), unit: 'µs' },
  {
    name: 'authorize p50 ÷ look-up',
    size,
    value: microseconds(checks.p50),
    unit: 'µs',
    ratio: checks.p50 / lookUps.p50,
    ...(size === '1m' && { bar: atMost(30, 'ratio') }),
  },
  { name: 'authorize p99', size, value: microseconds(checks.p99), unit: 'µs', ...(size === '1m' && { bar: atMost(1000) }) },
  {
    name: 'authorize p50 ÷ look-up, nothing remembered of subjects',
    size,
    value: microseconds(plainChecks.p50),
    unit: 'µs',
    ratio: plainChecks.p50 / lookUps.p50,
    ...(size === '1m' && { bar: atMost(30, 'ratio') }),
  },
  {
    name: 'authorize p99, nothing remembered of subjects',
    size,
    value: microseconds(plainChecks.p99),
    unit: 'µs',
    ...(size === '1m' && { bar: atMost(1000) }),
  },
  ...(small === null
    ? []
    : [
        {
          name: 'authorize p50 ÷ its own at 10k',
          size,
          value: microseconds(checks.p50),
          unit: 'µs',
          ratio: checks.p50 / small.checks.p50,
          bar: atMost(2, 'ratio'),
        } satisfies Figure,
        {
          name: 'authorize p50 ÷ its own at 10k, nothing remembered of subjects',
          size,
          value: microseconds(plainChecks.p50),
          unit: 'µs',
          ratio: plainChecks.p50 / small.plainChecks.p50,
          bar: atMost(2, 'ratio'),
        } satisfies Figure,
      ]),
]

/** A point query by the primary key of the largest table, for rows all over it; its values are encoded before. */
const keyedLookUp = ({ store, reference, data: { parent } }: World): ((index: number) => boolean) => {
  const types = [reference.resourceType, 'String', parent.type]
  const { table } = known(
    store.tables().find(({ signature }) => signature.predicate === 'has_relation' && signature.types.join() === types.join()),
    'resources have parents',
  )
  const encode = (type: string, id: string): Encoded => known(store.encode({ type, id }), `${type} ${id} is stored`)
  const name = encode('String', parent.relation)
  const rows = new Random(3)
    .shuffled(reference.resources())
    .slice(0, ROUNDS * PER_ROUND)
    .map((id) => [encode(reference.resourceType, id), encode(parent.type, reference.parentOf(id))] as const)
  const statement = store.database.prepare(`select 1 from ${table} where c1 = ? and c2 = ? and c3 = ?`)
  return (index) => {
    const [resource, holder] = at(rows, index % rows.length)
    return statement.get(resource, name, holder) !== undefined
  }
}
