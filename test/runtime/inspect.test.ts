/** What is in an environment, the kept versions of its policy, and going back to one: over HTTP and by the command line. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesText, overviewLines } from '../../runtime/cli/environment-overview.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import type { EnvironmentDetailsBody } from '../../src/wire/responses.ts'
import { adminHash, adminKey } from './support/admin.ts'
import { createHarness, readOnlyKey } from './support/harness.ts'
import { basic } from './support/policies.ts'
import { arctos, type Finished, get, startServer, temporaryDirectory } from './support/process.ts'
import { readerOf } from './support/roles.ts'

const role = readerOf('ana', 'r')

describe('GET /v1/policy/history', () => {
  test('versions, newest first, and which one is active', async () => {
    const http = await createHarness()
    expect((await http.get('/v1/policy/history')).body).toEqual({ versions: [] })
    await http.post('/api/policy', { src: 'actor User {}', filename: 'main.polar' })
    await http.post('/api/policy', { src: 'actor Üser {}' })
    const { status, body } = await http.get('/v1/policy/history', { key: readOnlyKey })
    const saved = { saved_at_ms: expect.any(Number) }
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        versions: [
          { version: 2, filename: null, size_bytes: 14, active: true, ...saved },
          { version: 1, filename: 'main.polar', size_bytes: 13, active: false, ...saved },
        ],
      },
    })
    await http.post('/api/clear_data')
    const cleared = (await http.get('/v1/policy/history')).body as unknown as { versions: { active: boolean }[] }
    expect(cleared.versions.map(({ active }) => active)).toEqual([false, false])
    expect((await http.get('/v1/policy/history', { key: null })).status).toBe(401)
  })

  test('the last 50', async () => {
    const http = await createHarness()
    for (let index = 1; index <= 55; index += 1) await http.post('/api/policy', { src: `actor User${index} {}` })
    const { versions } = (await http.get('/v1/policy/history')).body as unknown as { versions: { version: number }[] }
    expect(versions.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_, index) => 55 - index))
  })
})

describe('GET /v1/environment', () => {
  test('policy, counts, sizes, freshness', async () => {
    const http = await createHarness()
    await http.post('/api/policy', { src: basic, filename: 'main.polar' })
    await http.post('/api/facts', role)
    const { status, body, headers } = await http.get('/v1/environment', { key: readOnlyKey })
    expect(status).toBe(200)
    expect(body).toEqual({
      id: '0123456789',
      revision: Number(/:(\d+)$/.exec(headers.get('Arctos-Revision') ?? '')?.[1]),
      staleness_ms: 0,
      problem: null,
      state_hash: expect.stringMatching(/^[0-9a-f]{32}$/),
      memory_bytes: expect.any(Number),
      policy: {
        version: 1,
        filename: 'main.polar',
        saved_at_ms: expect.any(Number),
        size_bytes: basic.length,
        active: true,
        rules: 7,
        tests: 0,
        types: {
          Group: { roles: 0, permissions: 0, relations: 0 },
          Org: { roles: 2, permissions: 2, relations: 0 },
          Repo: { roles: 2, permissions: 2, relations: 1 },
          User: { roles: 0, permissions: 0, relations: 0 },
          global: { roles: 0, permissions: 0, relations: 0 },
        },
      },
      policy_versions: 1,
      facts: { total: 1, predicates: { has_role: 1 } },
      snapshot: null,
    })
  })

  test('without a policy', async () => {
    const http = await createHarness()
    expect((await http.get('/v1/environment')).body).toMatchObject({
      policy: null,
      policy_versions: 0,
      facts: { total: 0, predicates: {} },
    })
  })
})

test('sizes as people read them', () => {
  expect([0, 1023, 1024, 1536, 5 * 1024 ** 3].map(bytesText)).toEqual(['0 bytes', '1023 bytes', '1.0 KiB', '1.5 KiB', '5.0 GiB'])
})

test('an overview', () => {
  const details: EnvironmentDetailsBody = {
    id: 'blue',
    revision: 7,
    staleness_ms: null,
    problem: 'the log is gone',
    state_hash: '0'.repeat(32),
    memory_bytes: 2048,
    policy: null,
    policy_versions: 2,
    facts: { total: 3, predicates: { p: 1, a: 2 } },
    snapshot: null,
  }
  expect(overviewLines(details)).toEqual([
    'environment blue',
    `revision 7, staleness unknown, state ${'0'.repeat(32)}`,
    'problem: the log is gone',
    'policy none, 2 versions kept',
    'facts 3',
    '  a 2',
    '  p 1',
    'memory 2.0 KiB',
    'snapshot none that this server sees',
  ])
})

test('inspect, policy history and policy rollback as processes', { timeout: 120_000 }, async () => {
  const server = await startServer({ settings: { ARCTOS_ADMIN_KEY: adminHash } })
  const run = (...args: readonly string[]): Promise<Finished> => arctos(args, { OSO_URL: server.url, OSO_AUTH: developmentKey })
  expect(await run('policy', 'history')).toEqual({ code: 0, out: 'no policy was saved yet\n', err: '' })
  const path = join(await temporaryDirectory(), 'main.polar')
  const passing = `${basic}\ntest "t" { assert_not allow(User{"a"}, "read", Repo{"r"}); }\n`
  await writeFile(path, passing)
  expect((await run('policy', path)).code).toBe(0)
  await writeFile(path, basic)
  expect((await run('policy', path)).code).toBe(0)
  expect((await run('tell', 'has_role', 'User:ana', 'reader', 'Repo:r')).code).toBe(0)
  const history = await run('policy', 'history')
  expect(history.out).toMatch(
    /^version 2 {2}\S+Z {2}\d+ bytes {2}\S+main\.polar {2}active\nversion 1 {2}\S+Z {2}\d+ bytes {2}\S+main\.polar\n$/,
  )

  expect(await run('policy', 'rollback', '1')).toMatchObject({
    code: 0,
    out: expect.stringContaining('version 1 is active again: the policy is saved'),
  })
  expect((await get(server, '/api/policy')).body).toMatchObject({ policy: { src: passing, filename: path } })
  expect((await run('policy', 'history')).out).toMatch(/^version 3 .*active\nversion 2 /)
  expect((await run('policy', 'rollback', '3')).out).toBe('version 3 is active already, nothing was saved\n')
  expect(await run('policy', 'rollback', '9')).toEqual({
    code: 1,
    out: '',
    err: 'policy version 9 is not kept: `arctos policy history` lists those that are\n',
  })
  expect(await run('policy', 'rollback', 'last')).toMatchObject({ code: 1, err: expect.stringContaining('whole number') })

  expect((await arctos(['snapshot', '0123456789'], { OSO_URL: server.url, OSO_AUTH: adminKey })).code).toBe(0)
  const { code, out, err } = await run('inspect')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(
    /^environment 0123456789\nrevision \d+, staleness \d+ ms, state [0-9a-f]{32}\npolicy version 3 .*active, 3 versions kept\n {2}7 rules, 1 test\n/,
  )
  expect(out).toMatch(
    /\n {2}Repo 2 roles, 2 permissions, 1 relation\n[^]*\nfacts 1\n {2}has_role 1\nmemory \S+ MiB\nsnapshot of revision \d+, with deltas through \d+, /,
  )
  expect((await run('inspect', 'User:ana')).out).toBe('has_role(User:ana, String:reader, Repo:r)\n')
})
