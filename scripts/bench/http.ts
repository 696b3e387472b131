/** The check over HTTP against an echo route of the same app: same server, middleware, parsing and validation. */
import { createHash } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { createApp } from '../../runtime/app.ts'
import { createService } from '../../runtime/create-service.ts'
import { hashKey, KeyRing } from '../../runtime/keys.ts'
import { pinoLogLines } from '../../runtime/node/log-lines.ts'
import { prometheusRegistry } from '../../runtime/node/prometheus.ts'
import { type HttpServer, listen } from '../../runtime/node/server.ts'
import { type Platform, webPlatform } from '../../runtime/platform.ts'
import type { Environment, Environments } from '../../runtime/service.ts'
import { configure } from '../../src/ops/configuration.ts'
import { developmentEnvironment, developmentKey } from '../../src/wire/api-key.ts'
import { echoRoute } from './echo.ts'
import { atLeast, type Figure } from './figure.ts'
import { Load } from './load.ts'
import { type CheckQuestion, checkQuestions } from './questions.ts'
import { microseconds, percentile, threadMs } from './timing.ts'
import type { World } from './world.ts'

const CONNECTIONS = 16
const ROUNDS = 25
const PER_ROUND = 2000

export const httpFigures = async (world: World): Promise<Figure[]> => {
  const server = await serve(world)
  const load = new Load({ port: Number(new URL(server.url).port), key: developmentKey })
  try {
    return figuresOf(world.size, await measure(load, world))
  } finally {
    await load.close()
    await server.drain(1000)
  }
}

interface Round {
  readonly perSecond: number
  readonly latenciesMs: readonly number[]
  /** Share of the time in which the serving thread was busy: near 1, or the load is what is measured. */
  readonly busy: number
  /** Processor time of the serving thread per request. */
  readonly threadMs: number
}

interface Pair {
  readonly echo: Round
  readonly authorize: Round
}

/** Rounds of both routes take turns, each with the same questions. */
const measure = async (load: Load, world: World): Promise<readonly Pair[]> => {
  const questions = checkQuestions(world.reference, ROUNDS * PER_ROUND, 8)
  const pairs: Pair[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const asked = questions.slice(round * PER_ROUND, (round + 1) * PER_ROUND)
    const echo = await runRound(load, '/api/echo', asked)
    const authorize = await runRound(load, '/api/authorize', asked)
    // The first pair warms up.
    if (round > 0) pairs.push({ echo, authorize })
  }
  return pairs
}

const runRound = async (load: Load, path: string, questions: readonly CheckQuestion[]): Promise<Round> => {
  const exchanges = questions.map((question) => ({
    body: JSON.stringify({
      actor_type: 'User',
      actor_id: question.user,
      action: question.action,
      resource_type: question.resource.type,
      resource_id: question.resource.id,
      context_facts: [],
    }),
    answer: path === '/api/authorize' ? JSON.stringify({ allowed: question.allowed }) : null,
  }))
  const before = performance.eventLoopUtilization()
  const startMs = threadMs()
  const { seconds, latenciesMs } = await load.run({ path, connections: CONNECTIONS, exchanges })
  const { utilization } = performance.eventLoopUtilization(before)
  return { perSecond: exchanges.length / seconds, latenciesMs, busy: utilization, threadMs: (threadMs() - startMs) / exchanges.length }
}

const figuresOf = (size: string, pairs: readonly Pair[]): Figure[] => {
  const median = (pick: (pair: Pair) => number): number => percentile(pairs.map(pick), 0.5)
  const latencies = pairs.flatMap(({ authorize }) => authorize.latenciesMs)
  return [
    { name: 'echo over HTTP', size, value: median((pair) => pair.echo.perSecond), unit: 'requests/s' },
    { name: 'echo: serving thread busy', size, value: median((pair) => pair.echo.busy), unit: '' },
    { name: 'echo: processor time', size, value: microseconds(median((pair) => pair.echo.threadMs)), unit: 'µs' },
    {
      name: 'authorize over HTTP ÷ echo',
      size,
      value: median(({ authorize }) => authorize.perSecond),
      unit: 'requests/s',
      ratio: median((pair) => pair.authorize.perSecond / pair.echo.perSecond),
      ...(size === '1m' && { bar: atLeast(0.6, 'ratio') }),
    },
    { name: 'authorize: serving thread busy', size, value: median(({ authorize }) => authorize.busy), unit: '' },
    {
      name: 'authorize: processor time; echo ÷ it',
      size,
      value: microseconds(median(({ authorize }) => authorize.threadMs)),
      unit: 'µs',
      ratio: median((pair) => pair.echo.threadMs / pair.authorize.threadMs),
    },
    { name: `authorize over HTTP, ${CONNECTIONS} at once, p50`, size, value: percentile(latencies, 0.5), unit: 'ms' },
    { name: `authorize over HTTP, ${CONNECTIONS} at once, p99`, size, value: percentile(latencies, 0.99), unit: 'ms' },
  ]
}

const serve = (world: World): Promise<HttpServer> => {
  const platform: Platform = {
    ...webPlatform(pinoLogLines('warn'), prometheusRegistry()),
    sha256: (text) => createHash('sha256').update(text, 'utf8').digest(),
  }
  const keys = new KeyRing(platform.sha256)
  keys.add({
    environment: developmentEnvironment,
    tokenId: developmentKey.split('_')[2] ?? '',
    access: 'read-write',
    hash: hashKey(platform.sha256, developmentKey),
  })
  const { configuration } = configure({}, {})
  const service = createService({
    configuration,
    platform,
    keys,
    environments: preloaded(world),
    policies: { check: notHere, close: async () => {} },
    unready: () => null,
  })
  const app = createApp(service, [echoRoute])
  return listen({ host: '127.0.0.1', port: 0, requestTimeoutMs: configuration.requestTimeoutMs, app: () => app })
}

/** The loaded world as the one environment of a process; nothing is written to it. */
const preloaded = ({ store, policy, engine }: World): Environments => {
  const position = `bench:${store.revision()}`
  const environment: Environment = {
    id: developmentEnvironment,
    store,
    policy,
    engine,
    position,
    through: store.revision(),
    acknowledged: position,
    problem: null,
    stalenessMs: () => 0,
    reach: () => true,
    expectPolicy: () => {},
    write: notHere,
  }
  return {
    find: (id) => (id === developmentEnvironment ? environment : undefined),
    createTemporary: notHere,
    temporaryCount: 0,
    all: () => [environment],
  }
}

const notHere = async (): Promise<never> => {
  throw new Error('the bench only reads')
}
