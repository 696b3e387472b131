/** Images of 1, 15 and 45 MB replace each other in a Worker under requests: none fails, and each is answered from the one state that its position names. */
import { expect, test } from 'vitest'
import { EdgeImages, emptyState, insertsOf, writeRecord } from '../../scripts/bench/edge-images.ts'
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { at } from '../../src/base/assert.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import type { Store } from '../../src/store/facts.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import type { Answer, Asker } from '../runtime/support/harness.ts'
import { basic } from '../runtime/support/policies.ts'
import { testPool } from '../support/image.ts'
import { fact } from '../support/record.ts'
import { startTestWorker, until } from './support.ts'

/** As many as a Worker should stand; another number by `ARCTOS_SWAPS`. */
const SWAPS = Number(process.env['ARCTOS_SWAPS'] ?? 200)
const CLIENTS = 16
const BITS = 8
const bits = Array.from({ length: BITS }, (_, bit) => bit)
const nameOf = (bit: number): string => `b${bit}`
const namesOf = (code: number): readonly string[] => bits.filter((bit) => (code >> bit) & 1).map(nameOf)
const role = (bit: number) => fact('has_role', 'User:ana', 'String:reader', `Repo:${nameOf(bit)}`)

/** Facts beside those that tell the states apart: of about 1.7 KB each. */
const FILLERS = { small: 580, middle: 8500, large: 25_000 } as const
type Size = keyof typeof FILLERS
/** MB that an image of a size has at least and at most. */
const MEGABYTES: Readonly<Record<Size, readonly [number, number]>> = { small: [0.7, 1.6], middle: [12, 16], large: [39, 45.9] }
const BATCH = 1000

/** Of every 40 swaps four bring 15 MB, and one brings 45 MB. */
const sizeOf = (swap: number): Size => (swap % 40 === 12 ? 'large' : swap % 10 === 7 ? 'middle' : 'small')

/** States of each size, of which the next one is always of a later position than all before. */
class States {
  readonly pool = testPool(2 ** 30)
  readonly codes = new Map<number, number>()
  readonly #stores = new Map<Size, { readonly store: Store; code: number }>()
  #revision = 10_000

  next(size: Size, code: number): Store {
    const state = this.#stores.get(size) ?? { store: this.#filled(size), code: 0 }
    this.#stores.set(size, state)
    const changes = bits
      .filter((bit) => ((state.code ^ code) >> bit) & 1)
      .map((bit) =>
        (code >> bit) & 1 ? ({ kind: 'insert', fact: role(bit) } as const) : ({ kind: 'delete', pattern: role(bit) } as const),
      )
    writeRecord(state.store, this.#revision, { kind: 'facts', changes })
    state.code = code
    this.codes.set(this.#revision++, code)
    return state.store
  }

  #filled(size: Size): Store {
    const store = emptyState(this.pool, basic)
    for (let from = 0, revision = 2; from < FILLERS[size]; from += BATCH, revision++) {
      const numbers = Array.from({ length: Math.min(BATCH, FILLERS[size] - from) }, (_, index) => from + index)
      writeRecord(store, revision, insertsOf(numbers.map(filler)))
    }
    return store
  }
}

const filler = (number: number) => {
  const id = `${number}-`.padEnd(380, 'x')
  return fact('has_role', `User:${id}`, 'String:member', `Org:${id}`)
}

const asked = { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' }

interface Seen {
  readonly revision: number
  readonly found: unknown
  readonly expected: (code: number) => unknown
}

/** Asks until told to stop; an answer other than 200, or of an older state than the one before, fails it. */
const askOn = async (ask: Asker, start: number, run: { readonly isOver: boolean }): Promise<readonly Seen[]> => {
  const seen: Seen[] = []
  for (let round = start; !run.isOver; round++) {
    const bit = round % BITS
    const isList = round % 3 === 0
    const answer: Answer = isList ? await ask.post('/api/list', asked) : await ask.authorize(`User:ana read Repo:${nameOf(bit)}`)
    expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, ''])
    const revision = revisionOf(answer)
    expect(revision).toBeGreaterThanOrEqual(seen.at(-1)?.revision ?? 0)
    if (isList) seen.push({ revision, found: answer.body.results, expected: namesOf })
    else seen.push({ revision, found: answer.body.allowed, expected: (code) => ((code >> bit) & 1) === 1 })
  }
  return seen
}

const revisionOf = ({ headers }: Answer): number => Number(headers.get('arctos-revision')?.split(':').at(-1))

test(`${SWAPS} swaps under load: no request fails, each is answered from one state`, async () => {
  const { worker, ask } = await startTestWorker({ settings: { ARCTOS_REFRESH_MS: '20' } })
  const states = new States()
  const { pool } = states
  const platform = webSnapshotPlatform(() => undefined)
  const imagesOf = (env: string) => new EdgeImages({ objects: worker.bucket, env, pool, platform })
  const [control, images] = [imagesOf(controlEnvironment), imagesOf(developmentEnvironment)]
  await control.show(await control.upload(emptyState(pool, null)))
  await images.show(await images.upload(states.next('small', 1)))
  await until(async () => (await ask.post('/api/list', asked)).status === 200)

  const run = { isOver: false }
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, start) => askOn(ask, start, run)))
  const sizes = new Set<Size>()
  const driven = (async () => {
    for (let swap = 0; swap < SWAPS && !run.isOver; swap++) {
      const size = sizeOf(swap)
      const entry = await images.upload(states.next(size, ((swap + 2) * 37) % (1 << BITS)))
      const [least, most] = MEGABYTES[size]
      expect(entry.rawBytes / 1e6).toBeGreaterThan(least)
      expect(entry.rawBytes / 1e6).toBeLessThan(most)
      await images.show(entry)
      await until(async () => revisionOf(await ask.post('/api/list', asked)) === entry.revision)
      sizes.add(size)
    }
  })()
  await Promise.race([driven, clients]).finally(() => (run.isOver = true))
  const seen = (await clients).flat()
  await driven
  expect([...sizes].toSorted()).toEqual(['large', 'middle', 'small'])
  for (const { revision, found, expected } of seen) {
    expect({ revision, found }).toEqual({ revision, found: expected(at([states.codes.get(revision) ?? -1], 0)) })
  }
  expect(new Set(seen.map(({ revision }) => revision)).size).toBeGreaterThan(SWAPS / 2)
  const { text } = await ask.get('/metrics')
  // Those of the keys and the first one beside them.
  expect(text).toContain(`arctos_edge_looks{outcome="swapped"} ${SWAPS + 2}\n`)
}, 600_000)
