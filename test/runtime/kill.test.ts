/** SIGKILL at random moments under write load: every acknowledged write is found after the restart. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { factsIn } from './support/bodies.ts'
import { basic } from './support/policies.ts'
import { get, post, startServer, temporaryDirectory } from './support/process.ts'
import { readerOf } from './support/roles.ts'

const ROUNDS = 50
/** Servers at a time, each with its own data directory. */
const CHAINS = 2
const WRITERS = 4
/** Longest time until the kill. */
const LOAD_MS = 120

const roleOf = (repo: string) => readerOf('ana', repo)

/** A small generator, so that a failing run can be repeated. */
const random = (seed: number) => {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

interface Known {
  /** Acknowledged inserts that were not deleted since. */
  readonly present: Set<string>
  readonly absent: Set<string>
  acknowledged: number
}

/** Writes until the server is gone: three inserts, then a delete of the first of them. */
const writer = async (server: { url: string }, known: Known, prefix: string) => {
  try {
    for (let index = 0; ; index++) {
      const ids = [0, 1, 2].map((part) => `${prefix}-${index}-${part}`)
      const inserted = await post(server, '/api/batch', [{ inserts: ids.map(roleOf) }])
      if (inserted.status !== 200) throw new Error(`insert: ${inserted.status}`)
      known.acknowledged++
      for (const id of ids) known.present.add(id)
      const [gone = ''] = ids
      // Until the delete is answered its fact may be there or not.
      known.present.delete(gone)
      const deleted = await post(server, '/api/bulk_delete', [roleOf(gone)])
      if (deleted.status !== 200) throw new Error(`delete: ${deleted.status}`)
      known.acknowledged++
      known.absent.add(gone)
    }
  } catch (error) {
    // The server was killed under this request; its answer never came.
    if (!(error instanceof TypeError)) throw error
  }
}

/** Kills a server `ROUNDS` times; each start checks what the runs before acknowledged. Gives the number of acknowledged writes. */
const chain = async (seed: number): Promise<number> => {
  const next = random(seed)
  const directory = await temporaryDirectory()
  const known: Known = { present: new Set(), absent: new Set(), acknowledged: 0 }
  for (let round = 0; round <= ROUNDS; round++) {
    const server = await startServer({ directory })
    if (round === 0) expect((await post(server, '/api/policy', { src: basic })).status).toBe(200)
    const { body: facts } = await get(server, '/api/facts?predicate=has_role')
    const stored = new Set(factsIn(facts).map(({ args }) => args[2]?.id ?? ''))
    const lost = [...known.present].filter((id) => !stored.has(id))
    const back = [...known.absent].filter((id) => stored.has(id))
    expect({ seed, round, lost, back }).toEqual({ seed, round, lost: [], back: [] })
    const writing = Array.from({ length: WRITERS }, (_, index) => writer(server, known, `${round}-${index}`))
    await delay(next() * LOAD_MS)
    await server.end('SIGKILL')
    await Promise.all(writing)
  }
  return known.acknowledged
}

test(`${ROUNDS * CHAINS} kills under load lose no acknowledged write`, { timeout: 600_000 }, async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32)
  const acknowledged = await Promise.all(Array.from({ length: CHAINS }, (_, index) => chain(seed + index)))
  // A run that acknowledged next to nothing would have shown nothing.
  for (const count of acknowledged) expect(count).toBeGreaterThan(ROUNDS * 2)
})
