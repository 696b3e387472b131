/** A cell that starts, and one that fails: what it answers, and what it logs. */
import { describe, expect, test } from 'vitest'
import { createStartingApp } from '../../runtime/app-core.ts'
import type { Route } from '../../runtime/exchange.ts'
import { webPlatform } from '../../runtime/platform.ts'
import { assert, unreachable } from '../../src/base/assert.ts'
import { noMetrics } from '../../src/ops/metrics.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { createHarness, readOnlyKey } from './support/harness.ts'

/** What a process answers before it is ready. */
const alive: ReadonlySet<string> = new Set(['/livez', '/metrics'])

describe('a process that starts', () => {
  const starting = createStartingApp(webPlatform(() => {}, noMetrics))
  const answered = async (method: string, path: string, key?: string) =>
    starting.request(path, { method, headers: { 'X-Request-ID': 'me', ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }) } })

  test('is 503 with Retry-After for every key and path', async () => {
    const paths = [...Object.values(endpoints), { method: 'GET', path: '/api' }, { method: 'GET', path: '/nothing' }]
    for (const { method, path } of paths.filter((endpoint) => !alive.has(endpoint.path))) {
      for (const key of [developmentKey, readOnlyKey, 'nonsense', undefined]) {
        const response = await answered(method, path, key)
        expect({ path, status: response.status, retry: response.headers.get('retry-after') }).toEqual({ path, status: 503, retry: '1' })
        expect(response.headers.get('x-request-id')).toBe('me')
        expect(await response.json()).toEqual({ message: 'the server is starting' })
      }
    }
  })

  test('is alive and has metrics', async () => {
    for (const path of alive) expect({ path, status: (await answered('GET', path)).status }).toEqual({ path, status: 200 })
  })
})

test('a failure is logged by its class and place, without what was sent', async () => {
  const failures: readonly (() => never)[] = [
    () => unreachable({ id: 'hushed' } as never),
    () => assert(false, 'Boolean `hushed\n    at hushed (x:1:1)` is canonical') as never,
    () => {
      throw new TypeError('hushed is no function')
    },
    () => JSON.parse('hushed') as never,
    () => {
      // oxlint-disable-next-line typescript/only-throw-error
      throw 'hushed'
    },
  ]
  const failing = failures.map((handle, index): Route => ({ endpoint: { method: 'GET', path: `/fail${index}`, access: 'read' }, handle }))
  const failed = await createHarness({ routes: failing })
  for (const [index] of failures.entries()) expect((await failed.get(`/fail${index}`)).status).toBe(500)
  const lines = failed.logged.filter(({ level }) => level === 'error')
  expect(lines.map(({ event }) => event)).toEqual(['bug', 'bug', 'failed', 'failed', 'failed'])
  expect(JSON.stringify(lines)).not.toContain('hushed')
  expect(lines.map(({ fields }) => fields)).toMatchObject([
    { name: 'Bug', message: 'unreachable: …', stack: expect.stringContaining('at unreachable (') },
    { name: 'Bug', message: 'Boolean … is canonical', stack: expect.stringContaining('at assert (') },
    { name: 'TypeError', message: null, stack: expect.stringContaining('http-transport.test.ts') },
    { name: 'SyntaxError', message: null, stack: expect.stringContaining('at JSON.parse') },
    { name: 'string', message: null, stack: null },
  ])
})
