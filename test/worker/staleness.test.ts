/** How old the state of a Worker is, on workerd: told with each answer, and bounded by a fence. */
import { expect, test } from 'vitest'
import type { Answer } from '../runtime/support/harness.ts'
import { looksOf } from './looks.ts'
import { anaReads, startWorkerEdge, until } from './support.ts'

const FENCE_MS = 5000
const settings = { ARCTOS_MAX_STALENESS_MS: String(FENCE_MS), ARCTOS_READY_STALENESS_MS: String(FENCE_MS) }
/** Of the keys and the environment, of which one may have begun before. */
const TWO_ROUNDS = 6

const ageOf = ({ headers }: Answer): string => headers.get('arctos-staleness-ms') ?? ''

test('when heartbeats end, each answer tells an older state, and beyond the fence it is refused', async () => {
  const { ask, replicator } = await startWorkerEdge({ settings })
  await until(async () => (await ask.authorize(anaReads)).status === 200)
  await until(async () => (await ask.get('/readyz')).status === 200)
  expect(ageOf(await ask.authorize(anaReads))).toMatch(/^\d+$/)

  await replicator.close()
  const closedAtMs = performance.now()
  const looks = await looksOf(ask)
  await until(async () => {
    const { status } = await ask.authorize(anaReads)
    expect(status).toBe(200)
    return (await looksOf(ask)) >= looks + TWO_ROUNDS
  })
  const ages: number[] = []
  let last = await ask.authorize(anaReads)
  await until(async () => {
    const askedAtMs = performance.now()
    last = await ask.authorize(anaReads)
    if (last.status !== 200) return true
    expect(ageOf(last)).toMatch(/^\d+$/)
    expect(Number(ageOf(last))).toBeGreaterThanOrEqual(Math.floor(askedAtMs - closedAtMs))
    ages.push(Number(ageOf(last)))
    return false
  })
  expect(ages).toEqual(ages.toSorted((a, b) => a - b))
  expect(new Set(ages).size).toBeGreaterThan(1)
  expect(Math.max(...ages)).toBeLessThanOrEqual(FENCE_MS)
  expect([last.status, last.headers.get('retry-after')]).toEqual([503, '1'])
  expect(last.body.message).toMatch(/the state of this node is \d+ ms old, at most 5000 ms are allowed/)
  expect((await ask.get('/readyz')).status).toBe(503)
  expect((await ask.get('/livez')).status).toBe(200)
})

test('where there never was a heartbeat, the age is unknown: told without a fence, refused with one', async () => {
  const withoutHeartbeats = async (given: Readonly<Record<string, string>>) => {
    const edge = await startWorkerEdge({ settings: given })
    await edge.replicator.close()
    for (const { key } of await edge.worker.bucket.list('heartbeats/')) await edge.worker.bucket.delete(key)
    expect(Object.keys((await edge.worker.seen()).reads)).toEqual([])
    return edge
  }
  const fenced = await withoutHeartbeats(settings)
  await until(async () => {
    const { status, headers, body } = await fenced.ask.authorize(anaReads)
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect(body.message).toContain('the state of this node is of unknown age')
    return (await looksOf(fenced.ask)) >= TWO_ROUNDS
  })
  expect((await fenced.ask.get('/readyz')).status).toBe(503)
  await fenced.worker.end()

  const { ask } = await withoutHeartbeats({})
  const answer = await ask.authorize(anaReads)
  expect([answer.status, ageOf(answer)]).toEqual([200, 'unknown'])
})
