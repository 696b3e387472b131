/** The HTTP checklist of a cell alone: consistency, repetitions, failures of the log. */
import { describe, expect, test } from 'vitest'
import { openEmbeddedLog } from '../../replicator/embedded-log.ts'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import type { InnerReplicator, TailReader } from '../../src/log/inner.ts'
import { LogError, type LogErrorCode } from '../../src/log/log.ts'
import { createHarness, fact, type Harness, secondKey } from './support/harness.ts'
import { passOn } from './support/pass-on.ts'
import { basic } from './support/policies.ts'
import { temporaryDirectory } from './support/process.ts'
import { readerOf } from './support/roles.ts'

const role = (user: string) => `has_role(User:${user}, String:reader, Repo:r1)`
const insert = (user: string) => [{ inserts: [fact(role(user))] }]

/** A replicator whose records reach the runtime only when told so. */
const heldBack = async (): Promise<{ replicator: InnerReplicator; hold: () => void; release: () => void }> => {
  const inner = await inMemoryReplicator()
  let held = false
  const waiting: (() => void)[] = []
  const replicator: InnerReplicator = {
    ...passOn(inner),
    tail: (env, after, reader) => {
      const later: TailReader = {
        push: (records, through) => (held ? void waiting.push(() => void reader.push(records, through)) : reader.push(records, through)),
        failed: (error) => reader.failed(error),
      }
      return inner.tail(env, after, later)
    },
  }
  const release = () => {
    held = false
    for (const push of waiting.splice(0)) push()
  }
  return { replicator, hold: () => void (held = true), release }
}

describe('tokens', () => {
  test('http 19: a read without a token sees the write', async () => {
    const http = await createHarness()
    await http.policy(basic)
    for (let index = 0; index < 20; index++) {
      await http.facts(role(`u${index}`))
      expect(await http.allowed(`User:u${index} read Repo:r1`)).toBe(true)
      expect(await http.stored()).toHaveLength(index + 1)
    }
  })

  test('http 18: a read with a token waits for a write that is not applied yet', async () => {
    const { replicator, hold, release } = await heldBack()
    const http = await createHarness({ replicator, settings: { ARCTOS_APPLIED_WAIT_MS: '0' } })
    await http.policy(basic)
    hold()
    const { status, headers } = await http.post('/api/batch', insert('ana'))
    expect({ status, applied: headers.get('arctos-applied') }).toEqual({ status: 200, applied: 'false' })
    const token = headers.get('osooffset') ?? ''
    expect(token).not.toBe(headers.get('arctos-revision'))
    expect(await http.allowed('User:ana read Repo:r1')).toBe(false)
    const reading = http.get('/api/facts', { headers: { OsoOffset: token } })
    release()
    expect((await reading).body).toEqual([fact(role('ana'))])
  })

  test('http 73: a page before its position is reached is 409 with Retry-After', async () => {
    const first = await createHarness({ settings: { ARCTOS_SECRET: 'shared' } })
    const second = await createHarness({ settings: { ARCTOS_SECRET: 'shared', ARCTOS_TOKEN_WAIT_MS: '30' } })
    for (const http of [first, second]) {
      await http.policy(basic)
      await http.facts(...['a', 'b'].map((id) => `has_role(User:ana, String:reader, Repo:${id})`))
    }
    await first.facts(role('more'))
    const asked = { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' }
    const { next_page_token: token } = (await first.post('/api/list', { ...asked, page_size: 1 })).body
    const { status, headers, body } = await second.post('/api/list', { ...asked, page_token: token })
    expect({ status, retry: headers.get('retry-after'), message: typeof body.message }).toEqual({
      status: 409,
      retry: '1',
      message: 'string',
    })
    await second.facts(role('more'))
    expect((await second.post('/api/list', { ...asked, page_token: token })).body.results).toEqual(['b'])
  })
})

/** A replicator that fails appends as told: before or after the record is in the log. */
const failing = async (): Promise<{
  replicator: InnerReplicator
  failNext: (code: LogErrorCode, written: boolean) => void
  writeIds: string[]
}> => {
  const inner = await inMemoryReplicator()
  const writeIds: string[] = []
  let next: { code: LogErrorCode; written: boolean } | null = null
  const replicator: InnerReplicator = {
    ...passOn(inner),
    async append(env, body, writeId) {
      writeIds.push(writeId)
      const failure = next
      next = null
      if (failure !== null && !failure.written) throw new LogError(failure.code, 'told to')
      const result = await inner.append(env, body, writeId)
      if (failure !== null) throw new LogError(failure.code, 'told to')
      return result
    },
  }
  return { replicator, failNext: (code, written) => void (next = { code, written }), writeIds }
}

const withId = (id: string) => ({ headers: { 'X-Request-ID': id } })
const revisionOf = async (http: Harness) => (await http.get('/api/policy')).headers.get('arctos-revision')

describe('http 57: repetitions', () => {
  test('the same request twice has one effect, and one answer', async () => {
    const { replicator, writeIds } = await failing()
    const http = await createHarness({ replicator })
    await http.policy(basic)
    const before = writeIds.length
    const first = await http.post('/api/batch', insert('ana'), withId('one'))
    await http.post('/api/clear_data', undefined, withId('two'))
    const second = await http.post('/api/batch', insert('ana'), withId('one'))
    expect({ status: second.status, text: second.text, offset: second.headers.get('osooffset') }).toEqual({
      status: 200,
      text: first.text,
      offset: first.headers.get('osooffset'),
    })
    expect(writeIds.length - before).toBe(2)
    // It was not executed again: the facts stay cleared.
    expect(await http.stored()).toEqual([])
  })

  test('a repetition waits for the one in flight', async () => {
    const { replicator, writeIds } = await failing()
    const http = await createHarness({ replicator })
    await http.policy(basic)
    const before = writeIds.length
    const answers = await Promise.all(Array.from({ length: 5 }, () => http.post('/api/batch', insert('ana'), withId('one'))))
    expect(new Set(answers.map(({ headers }) => headers.get('osooffset'))).size).toBe(1)
    expect(writeIds.length - before).toBe(1)
  })

  test('another id, body, path, query or key is another request; without an id every request is executed', async () => {
    const { replicator, writeIds } = await failing()
    const http = await createHarness({ replicator })
    await http.policy(basic)
    const count = async (work: () => Promise<unknown>) => {
      const before = writeIds.length
      await work()
      return writeIds.length - before
    }
    await http.post('/api/batch', insert('ana'), withId('one'))
    expect(await count(() => http.post('/api/batch', insert('ana'), withId('two')))).toBe(1)
    expect(await count(() => http.post('/api/batch', insert('bob'), withId('one')))).toBe(1)
    expect(await count(() => http.post('/api/batch?x=1', insert('ana'), withId('one')))).toBe(1)
    expect(await count(() => http.post('/api/bulk_load', [fact(role('ana'))], withId('one')))).toBe(1)
    expect(await count(() => http.post('/api/batch', insert('ana')))).toBe(1)
    expect(await count(() => http.post('/api/batch', insert('ana')))).toBe(1)
    expect(await count(() => http.post('/api/batch', insert('ana'), withId('one')))).toBe(0)
  })

  test('after a minute it is executed again', async () => {
    let nowMs = 0
    const { replicator, writeIds } = await failing()
    const http = await createHarness({ replicator, platform: { monotonicMs: () => nowMs } })
    await http.policy(basic)
    await http.post('/api/batch', insert('ana'), withId('one'))
    const before = writeIds.length
    nowMs = 60_000
    await http.post('/api/batch', insert('ana'), withId('one'))
    expect(writeIds.length).toBe(before)
    nowMs = 60_001
    await http.post('/api/batch', insert('ana'), withId('one'))
    expect(writeIds.length).toBe(before + 1)
  })

  test('refusals are not remembered', async () => {
    const http = await createHarness()
    expect((await http.post('/api/batch', insert('ana'), withId('one'))).status).toBe(400)
    await http.policy(basic)
    expect((await http.post('/api/batch', insert('ana'), withId('one'))).status).toBe(200)
  })

  test('an unknown outcome is 503, and its repetition keeps the write id', async () => {
    for (const written of [false, true]) {
      const { replicator, failNext, writeIds } = await failing()
      const http = await createHarness({ replicator })
      await http.policy(basic)
      failNext('unknown-outcome', written)
      const { status, headers } = await http.post('/api/batch', insert('ana'), withId('one'))
      expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '1' })
      expect((await http.post('/api/batch', insert('ana'), withId('one'))).status).toBe(200)
      expect(writeIds.at(-1)).toBe(writeIds.at(-2))
      expect(await http.stored()).toEqual([role('ana')])
    }
  })

  test('a log that takes no writes is 503, and reads go on', async () => {
    const { replicator, failNext } = await failing()
    const http = await createHarness({ replicator })
    await http.policy(basic)
    await http.facts(role('ana'))
    const before = await revisionOf(http)
    for (const [code, status] of [
      ['unavailable', 503],
      ['overloaded', 503],
      ['too-large', 413],
    ] as const) {
      failNext(code, false)
      const answer = await http.post('/api/batch', insert('bob'))
      expect({ code, status: answer.status, message: typeof answer.body.message }).toEqual({ code, status, message: 'string' })
      expect(await http.allowed('User:ana read Repo:r1')).toBe(true)
    }
    expect(await revisionOf(http)).toBe(before)
  })
})

test('large records are applied in turns, in order', async () => {
  const http = await createHarness()
  await http.policy(basic)
  const users = Array.from({ length: 60 }, (_, index) => `u${index}`)
  const batches = users.map((user) => ({
    inserts: Array.from({ length: 40 }, (_, index) => fact(`has_role(User:${user}, String:reader, Repo:r${index})`)),
  }))
  const answers = await Promise.all(batches.map((batch) => http.post('/api/batch', [batch])))
  expect(answers.every(({ status, headers }) => status === 200 && headers.get('arctos-applied') === null)).toBe(true)
  expect((await http.get('/api/stats')).body.facts.total).toBe(60 * 40)
})

test('a tail that breaks off: answers go on and tell their age, readiness ends past the bound, and it is followed again', async () => {
  const inner = await inMemoryReplicator()
  const readers: TailReader[] = []
  let isDown = false
  let laterMs = 0
  const replicator: InnerReplicator = {
    ...passOn(inner),
    tail: (env, after, reader) => {
      if (isDown) throw new LogError('unavailable', 'gone')
      readers.push(reader)
      return inner.tail(env, after, reader)
    },
  }
  const http = await createHarness({ replicator, platform: { monotonicMs: () => performance.now() + laterMs } })
  await http.policy(basic)
  await http.facts(role('ana'))
  isDown = true
  for (const reader of readers.splice(0)) reader.failed(new LogError('unavailable', 'gone'))
  expect((await http.get('/readyz', { key: null })).status).toBe(200)
  laterMs = 40_000
  const answer = await http.authorize('User:ana read Repo:r1')
  expect({ ...answer.body, old: Number(answer.headers.get('arctos-staleness-ms')) >= 40_000 }).toEqual({ allowed: true, old: true })
  const { status, headers } = await http.get('/readyz', { key: null })
  expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '1' })
  expect((await http.get('/livez', { key: null })).status).toBe(200)
  expect(http.logged.some(({ event }) => event === 'tail-ended')).toBe(true)
  await inner.append('0123456789', { kind: 'facts', changes: [{ kind: 'insert', fact: readerOf('bob', 'r1') }] }, 'while it was down')
  expect(await http.allowed('User:bob read Repo:r1')).toBe(false)
  isDown = false
  await expect.poll(() => http.allowed('User:bob read Repo:r1'), { timeout: 20_000 }).toBe(true)
  await expect.poll(async () => (await http.get('/readyz', { key: null })).status, { timeout: 20_000 }).toBe(200)
})

test('with a fence reads are refused when the state is too old, or of unknown age', async () => {
  const inner = await inMemoryReplicator()
  let stalenessMs: number | null = 0
  const http = await createHarness({
    replicator: { ...passOn(inner), stalenessMs: () => stalenessMs },
    settings: { ARCTOS_MAX_STALENESS_MS: '500' },
  })
  await http.policy(basic)
  await http.facts(role('ana'))
  for (const [age, expected] of [
    [500, { status: 200, staleness: '500' }],
    [501, { status: 503, staleness: '501' }],
    [null, { status: 503, staleness: 'unknown' }],
  ] as const) {
    stalenessMs = age
    const { status, headers } = await http.authorize('User:ana read Repo:r1')
    expect({ status, staleness: headers.get('arctos-staleness-ms') }).toEqual(expected)
    expect(headers.get('retry-after')).toBe(status === 503 ? '1' : null)
    expect(headers.get('arctos-revision')).not.toBeNull()
  }
  expect((await http.post('/api/batch', insert('bob'))).status).toBe(200)
})

test('a policy that cannot be compiled stops reads of its environment alone, and a new policy mends it', async () => {
  const http = await createHarness()
  await http.policy(basic)
  await http.facts(role('ana'))
  await http.replicator.append('0123456789', { kind: 'policy', source: 'from a later version', filename: null }, 'other')
  const asked = { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo', resource_id: 'r1' }
  const { status, headers } = await http.post('/api/authorize', asked)
  expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '1' })
  expect((await http.post('/api/batch', insert('bob'))).status).toBe(503)
  expect((await http.get('/readyz')).status).toBe(503)
  expect((await http.post('/api/authorize', asked, { key: secondKey })).status).toBe(200)
  expect((await http.get('/api/policy')).body.policy.src).toBe('from a later version')
  await http.policy(`${basic}# mended`)
  expect((await http.post('/api/authorize', asked)).body).toEqual({ allowed: true })
  expect((await http.get('/readyz')).status).toBe(200)
})

test('a full disk: 503 on writes, reads go on, and writes again when there is room', async () => {
  const log = openEmbeddedLog({ directory: await temporaryDirectory(), maxRecordBytes: 2 ** 20, maxFileBytes: 400_000 })
  const http = await createHarness({ replicator: await inMemoryReplicator({ log }) })
  await http.policy(basic)
  let user = 0
  let last = 200
  while (last === 200 && user < 1000) {
    const facts = Array.from({ length: 50 }, (_, index) => fact(`has_role(User:${'x'.repeat(300)}${user}, String:reader, Repo:r${index})`))
    last = (await http.post('/api/bulk_load', facts)).status
    if (last === 200) user++
  }
  expect({ last, some: user > 0 }).toEqual({ last: 503, some: true })
  expect((await http.get('/api/stats')).body.facts.total).toBe(user * 50)
  expect(await http.allowed(`User:${'x'.repeat(300)}0 read Repo:r1`)).toBe(true)
  log.limitFile(10_000_000)
  expect((await http.post('/api/batch', insert('ana'))).status).toBe(200)
})
