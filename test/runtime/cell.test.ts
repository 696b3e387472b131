/** A cell of real processes, one replicator and two runtimes over a Unix socket: what its clients see, also when one of the processes is gone. */
import { existsSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { at } from '../../src/base/assert.ts'
import { eventually, grant, mayRead, socketIn, startCell } from './support/cell-process.ts'
import { get } from './support/process.ts'

const cellOfTwo = async (settings: Readonly<Record<string, string>> = {}) => {
  const cell = await startCell(2, settings)
  return { cell, first: at(cell.runtimes, 0), second: at(cell.runtimes, 1) }
}

describe('a write', () => {
  test('is visible on every runtime of the cell before it is answered', async () => {
    const { first, second } = await cellOfTwo()
    for (const repo of Array.from({ length: 20 }, (_, index) => `r${index}`)) {
      const written = await grant(first, repo)
      expect({ status: written.status, applied: written.headers.get('arctos-applied') }).toEqual({ status: 200, applied: null })
      expect((await mayRead(second, repo)).body).toEqual({ allowed: true })
      expect((await mayRead(first, repo)).body).toEqual({ allowed: true })
    }
  })

  test('tells a token that every runtime understands, and reads carry position and staleness', async () => {
    const { first, second } = await cellOfTwo()
    const token = (await grant(first, 'r')).headers.get('osooffset')
    const read = await mayRead(second, 'r', token)
    expect(read.body).toEqual({ allowed: true })
    expect(read.headers.get('arctos-revision')).toBe(token)
    const staleness = await eventually(
      async () => (await mayRead(second, 'r')).headers.get('arctos-staleness-ms') ?? '',
      (text) => /^\d+$/.test(text),
    )
    expect(Number(staleness)).toBeLessThan(30_000)
  })

  test('from several clients of both runtimes at once is in the one order of the log', async () => {
    const { first, second } = await cellOfTwo()
    const repos = Array.from({ length: 60 }, (_, index) => `r${index}`)
    const written = await Promise.all(repos.map((repo, index) => grant(index % 2 === 0 ? first : second, repo)))
    expect(new Set(written.map(({ status }) => status))).toEqual(new Set([200]))
    const tokens = written.map(({ headers }) => headers.get('osooffset') ?? '')
    expect(new Set(tokens).size).toBe(60)
    for (const server of [first, second]) for (const repo of repos) expect((await mayRead(server, repo)).body).toEqual({ allowed: true })
    const revisions = await Promise.all([first, second].map(async (server) => (await mayRead(server, 'r0')).headers.get('arctos-revision')))
    expect(revisions[0]).toBe(revisions[1])
  })

  test('waits for a stopped runtime so long, and says that it is not applied everywhere; the runtime catches up', async () => {
    const { first, second } = await cellOfTwo({ ARCTOS_APPLIED_WAIT_MS: '300' })
    second.child.kill('SIGSTOP')
    try {
      const written = await grant(first, 'r')
      expect({ status: written.status, applied: written.headers.get('arctos-applied') }).toEqual({ status: 200, applied: 'false' })
      expect((await mayRead(first, 'r')).body).toEqual({ allowed: true })
    } finally {
      second.child.kill('SIGCONT')
    }
    await eventually(
      () => mayRead(second, 'r'),
      ({ body }) => body.allowed,
    )
    await eventually(
      () => grant(first, 'again'),
      ({ headers }) => headers.get('arctos-applied') === null,
    )
  })
})

describe('a killed process', () => {
  test('the replicator: reads go on, writes are 503 with Retry-After, and its successor is found', async () => {
    const { cell, first, second } = await cellOfTwo()
    const { headers } = await grant(first, 'before')
    await cell.replicator.end('SIGKILL')
    for (const server of [first, second]) {
      expect((await mayRead(server, 'before', headers.get('osooffset'))).body).toEqual({ allowed: true })
      const refused = await grant(server, 'during')
      expect({ status: refused.status, retry: refused.headers.get('retry-after') }).toEqual({ status: 503, retry: '1' })
      expect((await get(server, '/livez')).status).toBe(200)
    }
    const stale = async () => Number((await mayRead(first, 'before')).headers.get('arctos-staleness-ms'))
    await eventually(stale, (ms) => ms >= 500)
    // The socket that it left behind is in nobody's way.
    expect(existsSync(socketIn(cell.directory))).toBe(true)
    await cell.restart()
    const written = await eventually(
      () => grant(first, 'after'),
      ({ status }) => status === 200,
    )
    await eventually(
      () => mayRead(second, 'after', written.headers.get('osooffset')),
      ({ body }) => body.allowed,
    )
    for (const server of [first, second]) expect((await mayRead(server, 'before')).body).toEqual({ allowed: true })
    await eventually(
      () => get(second, '/readyz'),
      ({ status }) => status === 200,
    )
  })

  test('a runtime: the others do not wait for it, and it comes back with everything', async () => {
    const { cell, first, second } = await cellOfTwo()
    await grant(first, 'before')
    await second.end('SIGKILL')
    const written = await eventually(
      () => grant(first, 'without'),
      ({ headers }) => headers.get('arctos-applied') === null,
    )
    const again = await cell.runtime()
    for (const repo of ['before', 'without']) {
      expect((await mayRead(again, repo, written.headers.get('osooffset'))).body).toEqual({ allowed: true })
    }
  })

  test('a replicator that stands still is noticed, and followed again when it goes on', async () => {
    const { cell, first } = await cellOfTwo()
    await grant(first, 'before')
    cell.replicator.child.kill('SIGSTOP')
    try {
      await eventually(
        () => grant(first, 'during'),
        ({ status, headers }) => status === 503 && headers.get('retry-after') === '1',
      )
      expect((await mayRead(first, 'before')).body).toEqual({ allowed: true })
      await eventually(
        async () => first.text.err,
        (text) => text.includes('replicator-lost'),
      )
    } finally {
      cell.replicator.child.kill('SIGCONT')
    }
    await eventually(
      () => grant(first, 'after'),
      ({ status }) => status === 200,
    )
  })
})

test('the socket is for the own user only', async () => {
  const { cell } = await cellOfTwo()
  expect(statSync(socketIn(cell.directory)).mode & 0o777).toBe(0o600)
})

test('SIGTERM ends the replicator when its writes are answered: none is lost', async () => {
  const { cell, first } = await cellOfTwo()
  const granted: string[] = []
  let stop = false
  const load = Promise.all(
    Array.from({ length: 4 }, async (_, worker) => {
      for (let index = 0; !stop; index++) {
        const repo = `w${worker}-${index}`
        const { status } = await grant(first, repo)
        if (status === 200) granted.push(repo)
      }
    }),
  )
  await eventually(
    async () => granted.length,
    (count) => count > 50,
  )
  expect(await cell.replicator.end()).toBe(0)
  stop = true
  await load
  expect(existsSync(socketIn(cell.directory))).toBe(false)
  await cell.restart()
  const { headers } = await eventually(
    () => grant(first, 'after'),
    ({ status }) => status === 200,
  )
  // Each was acknowledged before this one.
  const token = headers.get('osooffset')
  for (const repo of granted) expect((await mayRead(first, repo, token)).body).toEqual({ allowed: true })
})
