/** How an environment of a cell stays with its log: breaks, snapshots that are no good, logs that are others, indexes, environments that come and go. */
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { CellEnvironment } from '../../runtime/environment.ts'
import { webPlatform } from '../../runtime/platform.ts'
import { known } from '../../src/base/assert.ts'
import type { InnerReplicator, InnerSnapshot, TailReader } from '../../src/log/inner.ts'
import { LogError, type LogErrorCode } from '../../src/log/log.ts'
import { noMetrics } from '../../src/ops/metrics.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { imageOf, storeOf, testPool } from '../support/image.ts'
import { fact, facts, insert, wholeLog } from '../support/record.ts'
import { createHarness, type Harness, secondKey } from './support/harness.ts'
import { passOn } from './support/pass-on.ts'
import { basic } from './support/policies.ts'

const roleText = (user: string) => `has_role(User:${user}, String:reader, Repo:r1)`
const inserted = (user: string) => facts(insert('has_role', `User:${user}`, 'String:reader', 'Repo:r1'))
const patient = { timeout: 30_000, interval: 5 }

/** A cell whose replicator can be told to break tails and to give other snapshots. */
const breakable = async () => {
  const inner = await inMemoryReplicator()
  const readers = new Map<string, TailReader>()
  const told: {
    snapshot: ((snapshot: InnerSnapshot) => InnerSnapshot | Promise<never>) | null
    tail: LogError | null
    last: number | null
  } = { snapshot: null, tail: null, last: null }
  const replicator: InnerReplicator = {
    ...passOn(inner),
    tail: (env, after, reader) => {
      if (told.tail !== null && env === developmentEnvironment) throw told.tail
      readers.set(env, reader)
      return inner.tail(env, after, reader)
    },
    environments: async () => (await inner.environments()).map((status) => ({ ...status, last: told.last ?? status.last })),
    snapshot: async (env) => {
      const snapshot = await inner.snapshot(env)
      return snapshot === null || told.snapshot === null ? snapshot : told.snapshot(snapshot)
    },
  }
  const http = await createHarness({ replicator })
  await http.policy(basic)
  await http.facts(roleText('ana'))
  const fail = (code: LogErrorCode, env = developmentEnvironment): void => readers.get(env)?.failed(new LogError(code, 'told to'))
  const events = (event: string): number => http.logged.filter((line) => line.event === event).length
  return { http, inner, told, fail, events, readers }
}

const stateOf = async (http: Harness, user: string): Promise<{ status: number; allowed: boolean }> => {
  const { status, body } = await http.authorize(`User:${user} read Repo:r1`)
  return { status, allowed: body.allowed }
}

const damaged = (snapshot: InnerSnapshot): InnerSnapshot => ({
  ...snapshot,
  chunks: (async function* () {
    for await (const chunk of snapshot.chunks) yield chunk.map((byte) => byte ^ 255)
  })(),
})

const brokenOff = (snapshot: InnerSnapshot): InnerSnapshot => ({
  ...snapshot,
  chunks: (async function* () {
    for await (const chunk of snapshot.chunks) {
      yield chunk.subarray(0, 100)
      throw new LogError('unavailable', 'the transfer broke off')
    }
  })(),
})

describe('snapshots that are no good are not served, and asked for again', () => {
  test.each([
    ['a damaged one', damaged],
    ['one that breaks off', brokenOff],
    ['one of another state than announced', (snapshot: InnerSnapshot) => ({ ...snapshot, stateHash: '0'.repeat(32) })],
    ['one of another schema version', (snapshot: InnerSnapshot) => ({ ...snapshot, schemaVersion: 99 })],
    ['one that is shorter than announced', (snapshot: InnerSnapshot) => ({ ...snapshot, rawBytes: snapshot.rawBytes + 1 })],
    ['one that is longer than announced', (snapshot: InnerSnapshot) => ({ ...snapshot, rawBytes: snapshot.rawBytes - 1 })],
    ['one that there is no memory for', (snapshot: InnerSnapshot) => ({ ...snapshot, rawBytes: 2 ** 31 })],
    ['none', () => Promise.reject(new LogError('unavailable', 'no snapshot now'))],
  ])('%s', async (_, change) => {
    const { http, inner, told, fail, events } = await breakable()
    told.snapshot = change
    const before = http.pool.use().used
    fail('out-of-range')
    await expect.poll(() => events('replica-not-replaced'), patient).toBeGreaterThan(0)
    expect(await stateOf(http, 'ana')).toEqual({ status: 200, allowed: true })
    await inner.append(developmentEnvironment, inserted('bob'), 'meanwhile')
    told.snapshot = null
    fail('out-of-range')
    await expect.poll(() => stateOf(http, 'bob'), patient).toEqual({ status: 200, allowed: true })
    expect(http.pool.use().used).toBe(before)
  })
})

test('while a large push is being applied, the state is as old as it was in front of it, whatever the replicator has seen since', async () => {
  const inner = await inMemoryReplicator()
  await inner.createEnvironment('env')
  const seen = { nowMs: 0, headAtMs: 0 }
  let reader: TailReader | undefined
  const replicator: InnerReplicator = {
    ...passOn(inner),
    tail: (env, after, own) => {
      reader = own
      return inner.tail(env, after, own)
    },
    stalenessMs: () => seen.nowMs - seen.headAtMs,
  }
  // Between two turns of applying, until the test lets it go on.
  let goOn: () => void = () => {}
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      goOn = resolve
    })
  const platform = { ...webPlatform(() => {}, noMetrics), monotonicMs: () => seen.nowMs, pause }
  const options = { id: 'env', pool: testPool(), replicator, platform, appliedWaitMs: 1000, appendTimeoutMs: 1000 }
  const environment = await CellEnvironment.open(options)
  const many = (from: number) =>
    facts(...Array.from({ length: 500 }, (_, user) => insert('has_role', `User:${from + user}`, 'String:reader', 'Repo:r1')))
  const records = wholeLog(many(0), many(1000))
    .slice(1)
    .map(({ revision, record }) => ({ revision, record: { ...record, logId: 'memory' } }))
  seen.nowMs = 4000
  const taken = known(reader, 'it follows').push(records, 2)
  // The push has all that the head had then, and half of it is applied.
  seen.headAtMs = 4000
  seen.nowMs = 4100
  expect({ position: environment.position, stalenessMs: environment.stalenessMs() }).toEqual({
    position: 'memory.env:1',
    stalenessMs: 4100,
  })
  const ended = Promise.resolve(taken).then(() => true)
  const soon = (): Promise<boolean> =>
    new Promise((resolve) => {
      setTimeout(() => resolve(false), 1)
    })
  while (!(await Promise.race([ended, soon()]))) goOn()
  expect({ position: environment.position, stalenessMs: environment.stalenessMs() }).toEqual({ position: 'memory.env:2', stalenessMs: 100 })
  environment.close()
})

describe('logs that cannot be followed', () => {
  test('cut off behind its reader: 503 for this environment alone, until the state of that log is loaded', async () => {
    const { http, told, fail, events } = await breakable()
    told.snapshot = () => Promise.reject(new LogError('unavailable', 'no snapshot now'))
    fail('diverged')
    expect((await stateOf(http, 'ana')).status).toBe(503)
    expect((await http.get('/readyz')).status).toBe(503)
    expect((await http.get('/api/facts', { key: secondKey })).status).toBe(200)
    // A shorter log: what was read past its end is given up.
    const image = imageOf(
      wholeLog({ kind: 'policy', source: basic, filename: null }).map(({ revision, record }) => ({
        revision,
        record: { ...record, logId: 'memory' },
      })),
    )
    told.snapshot = (snapshot) => ({ ...snapshot, ...announced(image) })
    told.tail = new LogError('unavailable', 'told to')
    await expect.poll(() => events('replica-replaced'), patient).toBe(1)
    const { headers } = await http.get('/api/policy')
    expect(headers.get('arctos-revision')).toBe(`memory.${developmentEnvironment}:1`)
    told.tail = null
    await expect.poll(() => stateOf(http, 'ana'), patient).toEqual({ status: 200, allowed: true })
    expect((await http.get('/readyz')).status).toBe(200)
  })

  test('a replicator that lacks the same records is asked now and then, not in a loop', async () => {
    const { http, inner, told, fail, events } = await breakable()
    told.tail = new LogError('out-of-range', 'told to')
    fail('out-of-range')
    await expect.poll(() => events('replica-replaced'), patient).toBeGreaterThan(1)
    await delay(500)
    // Pauses of 50, 100, 200, 400 ms.
    expect(events('replica-replaced')).toBeLessThan(7)
    expect(await stateOf(http, 'ana')).toEqual({ status: 200, allowed: true })
    await inner.append(developmentEnvironment, inserted('bob'), 'meanwhile')
    told.tail = null
    await expect.poll(() => stateOf(http, 'bob'), patient).toEqual({ status: 200, allowed: true })
    expect((await http.get('/readyz')).status).toBe(200)
  })

  test('a log that ends before what the environment holds counts as cut off', async () => {
    const { http, told, fail, events } = await breakable()
    const records = wholeLog({ kind: 'policy', source: basic, filename: null })
    const image = imageOf(records.map(({ revision, record }) => ({ revision, record: { ...record, logId: 'memory' } })))
    told.snapshot = (snapshot) => ({ ...snapshot, ...announced(image) })
    told.tail = new LogError('out-of-range', 'told to')
    told.last = 1
    fail('out-of-range')
    await expect.poll(() => events('replica-replaced'), patient).toBeGreaterThan(0)
    expect(http.logged.some(({ event, fields }) => event === 'replica-not-replaced' && JSON.stringify(fields).includes('SwapError'))).toBe(
      true,
    )
    expect((await http.get('/api/policy')).headers.get('arctos-revision')).toBe(`memory.${developmentEnvironment}:1`)
    expect(await stateOf(http, 'ana')).toEqual({ status: 200, allowed: false })
  })

  test('another log: 503, whatever snapshot it offers', async () => {
    const { http, told, fail, events } = await breakable()
    const image = imageOf(wholeLog({ kind: 'policy', source: basic, filename: null }))
    told.snapshot = (snapshot) => ({ ...snapshot, ...announced(image) })
    fail('diverged')
    await expect.poll(() => events('replica-not-replaced'), patient).toBeGreaterThan(1)
    expect(events('replica-replaced')).toBe(0)
    expect((await stateOf(http, 'ana')).status).toBe(503)
  })

  test('a record of a later version: 503 for this environment alone', async () => {
    const { http, told, fail } = await breakable()
    told.snapshot = () => Promise.reject(new LogError('unreadable', 'told to'))
    told.tail = new LogError('unreadable', 'told to')
    fail('unreadable')
    const { status, headers } = await http.authorize('User:ana read Repo:r1')
    expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '1' })
    expect((await http.get('/api/facts', { key: secondKey })).status).toBe(200)
    told.tail = null
    told.snapshot = null
    await expect.poll(() => stateOf(http, 'ana'), patient).toEqual({ status: 200, allowed: true })
  })

  test('one that is found at the start: the process serves the other environments', async () => {
    const inner = await inMemoryReplicator()
    const unreadable = (env: string): void => {
      if (env === 'second') throw new LogError('unreadable', 'told to')
    }
    const http = await createHarness({
      replicator: {
        ...passOn(inner),
        snapshot: async (env) => {
          unreadable(env)
          return inner.snapshot(env)
        },
        tail: (env, after, reader) => {
          unreadable(env)
          return inner.tail(env, after, reader)
        },
      },
    })
    await http.policy(basic)
    await http.facts(roleText('ana'))
    expect(await stateOf(http, 'ana')).toEqual({ status: 200, allowed: true })
    expect((await http.get('/api/facts', { key: secondKey })).status).toBe(503)
    expect((await http.get('/readyz')).status).toBe(503)
  })

  test('what was pushed on the way of a tail that ended is left to the next one', async () => {
    const { http, readers, inner } = await breakable()
    const late = readers.get(developmentEnvironment)
    late?.failed(new LogError('unavailable', 'told to'))
    const { revision } = await inner.append(developmentEnvironment, inserted('bob'), 'after the end')
    // As if something in between had been lost.
    void late?.push([], revision + 7)
    await expect.poll(() => stateOf(http, 'bob'), patient).toEqual({ status: 200, allowed: true })
  })
})

const announced = (image: Uint8Array): InnerSnapshot => {
  const store = storeOf(testPool(), image)
  return {
    revision: store.revision(),
    through: store.revision(),
    rawBytes: image.length,
    stateHash: store.stateHash(),
    schemaVersion: 1,
    chunks: (async function* () {
      yield image
    })(),
  }
}

test('without its replicator it starts from what is stored, tells that it does not know its age, and follows as soon as it can', async () => {
  const inner = await inMemoryReplicator()
  await inner.createEnvironment('env')
  await inner.append('env', { kind: 'policy', source: basic, filename: null }, 'policy')
  await inner.append('env', inserted('ana'), 'ana')
  const pool = testPool()
  let isDown = true
  const down = (): never => {
    throw new LogError('unavailable', 'no replicator')
  }
  const replicator: InnerReplicator = {
    ...passOn(inner),
    snapshot: async (env) => (isDown ? down() : inner.snapshot(env)),
    tail: (env, after, reader) => (isDown ? down() : inner.tail(env, after, reader)),
  }
  const logged: string[] = []
  const platform = webPlatform((_, event) => void logged.push(event), noMetrics)
  const options = { id: 'env', pool, replicator, platform, appliedWaitMs: 1000, appendTimeoutMs: 1000 }
  await expect(CellEnvironment.open(options)).rejects.toMatchObject({ code: 'unavailable' })
  expect(pool.use().used).toBe(0)
  const records = wholeLog({ kind: 'policy', source: basic, filename: null }).map(({ revision, record }) => ({
    revision,
    record: { ...record, logId: 'memory' },
  }))
  const environment = await CellEnvironment.open({
    ...options,
    stored: async () => ({ store: storeOf(pool, imageOf(records)), through: 1 }),
  })
  const ana = (): boolean => {
    const [actor, resource] = [fact('', 'User:ana'), fact('', 'Repo:r1')].map(({ args }) => args[0] ?? { type: '', id: '' })
    const request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 1000 }
    return actor !== undefined && resource !== undefined && environment.engine.authorize(actor, 'read', resource, request)
  }
  expect({ ana: ana(), age: environment.stalenessMs(), problem: environment.problem }).toEqual({ ana: false, age: null, problem: null })
  expect(logged).toContain('started-without-snapshot')
  isDown = false
  await expect.poll(ana, patient).toBe(true)
  await expect.poll(() => environment.stalenessMs(), patient).toBe(0)
  environment.close()
  expect(pool.use().used).toBe(0)
})

test('an index on a table that is too large to be built while serving arrives by a swap; answers are right before and after', async () => {
  const { http, inner, events } = await breakable()
  await http.policy(
    `actor User {} resource Repo { permissions = ["read"]; } declare grants(Repo, Team, String); declare on_team(User, Team);`,
  )
  const rows = 51_000
  for (let start = 0; start < rows; start += 3000) {
    const changes = Array.from({ length: 3000 }, (_, index) =>
      insert('grants', `Repo:r${start + index}`, `Team:t${(start + index) % 10_000}`, 'String:any'),
    )
    await inner.append(developmentEnvironment, facts(...changes), `rows-${start}`)
  }
  await inner.append(developmentEnvironment, facts(insert('on_team', 'User:ana', 'Team:t7')), 'team')
  const table = () =>
    http.environments
      .find(developmentEnvironment)
      ?.store.tables()
      .find(({ signature }) => signature.predicate === 'grants')
  await expect.poll(() => table()?.rows, patient).toBe(rows)
  await http.policy(`actor User {} resource Repo { permissions = ["read"]; }
    has_permission(user: User, "read", repo: Repo) if team matches Team and level matches String and on_team(user, team) and grants(repo, team, level);`)
  const list = async () =>
    (await http.post('/api/list', { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' })).body.results
  const expected = Array.from({ length: rows }, (_, index) => index).filter((index) => index % 10_000 === 7)
  const names = expected.map((index) => `r${index}`).toSorted()
  expect(table()?.orders).not.toContainEqual([1, 0, 2])
  expect(await list()).toEqual(names)
  expect(await http.allowed('User:ana read Repo:r10007')).toBe(true)
  await expect.poll(() => table()?.orders, patient).toContainEqual([1, 0, 2])
  expect(events('replica-replaced')).toBe(1)
  expect(await list()).toEqual(names)
})

test('an environment that is dropped under requests: each is answered or told so, and its memory is given back', async () => {
  const { http, inner } = await breakable()
  const before = http.pool.use().used
  const waiting = http.get('/api/facts', { headers: { OsoOffset: `memory.${developmentEnvironment}:99` } })
  const writing = http.post('/api/batch', [{ inserts: [] }])
  const answers = Array.from({ length: 20 }, () => http.authorize('User:ana read Repo:r1'))
  http.environments.drop(developmentEnvironment)
  const after = await http.authorize('User:ana read Repo:r1')
  const statuses = await Promise.all([...answers, writing])
  expect(statuses.map(({ status }) => status)).toEqual(statuses.map(() => 200))
  expect([(await waiting).status, after.status]).toEqual([503, 503])
  expect(http.pool.use().used).toBe(before - 1)
  expect(http.logged.filter(({ event }) => event === 'bug' || event === 'failed')).toEqual([])
  await http.environments.open(developmentEnvironment)
  await inner.append(developmentEnvironment, inserted('bob'), 'again')
  await expect.poll(() => stateOf(http, 'bob'), patient).toEqual({ status: 200, allowed: true })
})
