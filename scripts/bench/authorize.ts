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

const ROUNDS = 11
const PER_ROUND = 2000
const CHECKED = 4000

/** First questions of subjects that are timed, at most. */
const FIRST = 2000

interface Run {
  readonly world: World
  readonly questions: readonly CheckQuestion[]
  readonly lookUp: (index: number) => boolean
  readonly checks: Samples
  /** The same questions to an engine that remembers nothing of subjects. */
  readonly plainEngine: Engine
  readonly plainChecks: Samples
  readonly lookUps: Samples
  /** One question of each subject to an engine that was never asked of it. */
  readonly firsts: Samples
}

/** Rounds of all sizes take turns, so that noise of the machine meets all of them. Both engines have rounds of their own: a process has one, and what it meets
 * in the caches of the processor is what that one has read. */
export const authorizeFigures = (worlds: readonly World[]): Figure[] => {
  const runs = worlds.map((world): Run => {
    agreeOnChecks(world, checkQuestions(world.reference, CHECKED, 1))
    const questions = checkQuestions(world.reference, ROUNDS * PER_ROUND, 2)
    const plainEngine = createEngine({ store: world.store, policy: world.policy, memory: 'none' })
    const samples = { checks: new Samples(), plainChecks: new Samples(), lookUps: new Samples(), firsts: new Samples() }
    return { world, questions, lookUp: keyedLookUp(world), plainEngine, ...samples }
  })
  for (const run of runs) timeFirsts(run)
  for (const runRound of [servedRound, plainRound])
    for (let round = 0; round < ROUNDS; round += 1) for (const run of runs) runRound(run, round)
  const small = runs.length > 1 ? at(runs, 0) : null
  return runs.flatMap((run, index) => figuresOf(run, index === 0 ? null : small))
}

const timeFirsts = ({ world: { store, policy, reference }, questions, firsts }: Run): void => {
  const engine = createEngine({ store, policy })
  const { resource } = at(questions, 0)
  // Compiles what is asked.
  for (const action of reference.actions) askCheck(engine, { user: 'nobody', action, resource })
  const seen = new Set<string>()
  for (const asked of questions) {
    const question = received(asked)
    if (seen.size < FIRST && !seen.has(question.user))
      assert(firsts.time(() => askCheck(engine, question)) === question.allowed, 'decisions stay right while they are timed')
    seen.add(question.user)
  }
  engine.close()
}

/** A question with its texts as they come: just parsed from a body, and not somewhere in the memory of the reference. */
const received = (question: CheckQuestion): CheckQuestion => JSON.parse(JSON.stringify(question)) as CheckQuestion

const servedRound = (run: Run, round: number): void => {
  const { world, lookUp, checks, lookUps } = run
  askRound(world.engine, run, { round, samples: checks })
  for (let index = round * PER_ROUND; index < (round + 1) * PER_ROUND; index += 1)
    assert(
      lookUps.time(() => lookUp(index)),
      'the row that is looked up is there',
    )
}

const plainRound = (run: Run, round: number): void => askRound(run.plainEngine, run, { round, samples: run.plainChecks })

/** The first round warms up. */
const askRound = (engine: Engine, { questions }: Run, { round, samples }: { readonly round: number; readonly samples: Samples }): void => {
  for (const asked of questions.slice(round * PER_ROUND, (round + 1) * PER_ROUND)) {
    const question = received(asked)
    const work = (): boolean => askCheck(engine, question)
    assert((round === 0 ? work() : samples.time(work)) === question.allowed, 'decisions stay right while they are timed')
  }
}

const figuresOf = ({ world: { size }, checks, plainChecks, lookUps, firsts }: Run, small: Run | null): Figure[] => [
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
  { name: 'authorize p50, first question of a subject', size, value: microseconds(firsts.p50), unit: 'µs' },
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
