/** The Worker with an origin that is gone, refuses or hangs, and without a store. */
import { describe, expect, test } from 'vitest'
import { asked, fact } from '../runtime/support/harness.ts'
import { anaReads, anaRole, startTestWorker, startWorkerEdge, until } from './support.ts'

const bobReads = 'User:bob read Repo:r1'
const bobRole = 'has_role(User:bob, String:reader, Repo:r1)'

/** With a state that is behind a token, which only the origin can answer. */
const behindToken = async () => {
  const edge = await startWorkerEdge({ origin: true })
  const { cell, ask } = edge
  expect(await ask.allowed(anaReads)).toBe(false)
  const written = await cell.post('/api/batch', [{ inserts: [fact(anaRole)] }])
  const headers = { OsoOffset: written.headers.get('osooffset') ?? '' }
  return {
    ...edge,
    questions: {
      token: () => ask.post('/api/authorize', asked(anaReads), { headers }),
      write: () => ask.post('/api/batch', [{ inserts: [fact(bobRole)] }]),
    },
  }
}

describe('an origin', () => {
  test('that refuses connections: reads that need it and writes are 503 with Retry-After, all others are answered', async () => {
    const { ask, origin, questions } = await behindToken()
    expect([(await questions.token()).status, (await questions.write()).status]).toEqual([200, 200])
    await origin.unplug()
    for (const question of [questions.token, questions.write]) {
      const { status, headers, body } = await question()
      expect([status, headers.get('retry-after')]).toEqual([503, '1'])
      expect(body.message).toContain('the origin of this edge does not answer')
    }
    expect(await ask.allowed(anaReads)).toBe(false)
  })

  test('that never answers: they are 503 after a bounded wait, and nothing else waits for it', async () => {
    const { ask, origin, questions } = await behindToken()
    origin.hanging = true
    const open = new Set([questions.token, questions.write])
    const waiting = [...open].map(async (question) => {
      const { status, headers, body } = await question().finally(() => open.delete(question))
      expect([status, headers.get('retry-after')]).toEqual([503, '1'])
      expect(body.message).toContain('the origin of this edge does not answer')
    })
    await until(async () => origin.asked.includes('POST /api/authorize') && origin.asked.includes('POST /api/batch'))
    for (let round = 0; round < 20; round++) expect(await ask.allowed(anaReads)).toBe(false)
    expect(open.size).toBe(2)
    await Promise.all(waiting)
    origin.hanging = false
    expect([(await questions.token()).status, (await questions.write()).status]).toEqual([200, 200])
  })
})

describe('what is gone', () => {
  test('with nothing published and an origin, that one answers', async () => {
    const { worker, cell, ask, origin } = await startWorkerEdge({ origin: true })
    for (const { key } of await worker.bucket.list('')) await worker.bucket.delete(key)
    await cell.facts(anaRole)
    const { status, body, headers } = await ask.authorize(anaReads)
    expect([status, body.allowed, headers.get('arctos-served-by')]).toEqual([200, true, 'origin; because=not-loaded'])
    expect((await ask.get('/readyz')).status).toBe(503)
    expect(origin.asked).toContain('POST /api/authorize')
  })

  test('fed by an origin alone, which goes: reads go on, writes are 503', async () => {
    const fed = await startWorkerEdge()
    await fed.cell.facts(anaRole)
    await fed.publish()
    // One Worker's bucket, as any web server would serve it.
    const { ask } = await startTestWorker({
      bucket: false,
      settings: { ARCTOS_STORE: `${fed.worker.url}/__test/served`, ARCTOS_ORIGIN: 'http://127.0.0.1:9' },
    })
    expect((await ask.authorize(anaReads)).body.allowed).toBe(true)
    await fed.cell.facts(bobRole)
    await fed.publish()
    await until(async () => (await ask.authorize(bobReads)).body.allowed)
    await fed.worker.end()
    for (let round = 0; round < 20; round++) expect((await ask.authorize(anaReads)).body.allowed).toBe(true)
    expect((await ask.post('/api/batch', [])).status).toBe(503)
  })

  test('with a fence, what is of unknown age or too old is refused without an origin, and answered by it otherwise', async () => {
    const settings = { ARCTOS_MAX_STALENESS_MS: '1' }
    const alone = await startWorkerEdge({ settings })
    const { status, headers } = await alone.ask.authorize(anaReads)
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    await alone.worker.end()
    const behind = await startWorkerEdge({ settings, origin: true })
    const answered = await behind.ask.authorize(anaReads)
    expect([answered.status, answered.headers.get('arctos-served-by')]).toEqual([200, 'origin; because=staleness'])
    await behind.worker.end()
    const roomy = await startWorkerEdge({ settings: { ARCTOS_MAX_STALENESS_MS: '20000' } })
    await until(async () => (await roomy.ask.authorize(anaReads)).status === 200)
  })
})
