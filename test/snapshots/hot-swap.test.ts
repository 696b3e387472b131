/** Replicas are replaced under requests: none fails, and each is answered from the one state that its position names. */
import { describe, expect, test } from 'vitest'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { pause } from '../../snapshots/pause.ts'
import { at } from '../../src/base/assert.ts'
import type { InnerReplicator, TailReader } from '../../src/log/inner.ts'
import { LogError } from '../../src/log/log.ts'
import type { Change } from '../../src/log/record.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { type Answer, createHarness, type Harness } from '../runtime/support/harness.ts'
import { passOn } from '../runtime/support/pass-on.ts'
import { basic } from '../runtime/support/policies.ts'
import { fact } from '../support/record.ts'

const BITS = 10
const bitName = (bit: number): string => `b${String(bit).padStart(2, '0')}`
const bits = Array.from({ length: BITS }, (_, bit) => bit)
const namesOf = (code: number): readonly string[] => bits.filter((bit) => (code >> bit) & 1).map(bitName)
const role = (bit: number) => fact('has_role', 'User:ana', 'String:reader', `Repo:${bitName(bit)}`)

/** A cell whose every state tells which one it is: what ana can read are the bits of a number that each record changes. */
class Coded {
  readonly http: Harness
  readonly replicator: InnerReplicator
  readonly #readers: Map<string, TailReader>
  /** The number that the state holds, by revision. */
  readonly codes = new Map<number, number>()
  #code = 0
  #writes = 0

  private constructor(http: Harness, replicator: InnerReplicator, readers: Map<string, TailReader>) {
    this.http = http
    this.replicator = replicator
    this.#readers = readers
  }

  static async start(): Promise<Coded> {
    const replicator = await inMemoryReplicator()
    const readers = new Map<string, TailReader>()
    const http = await createHarness({
      replicator: {
        ...passOn(replicator),
        tail: (env, after, reader) => {
          readers.set(env, reader)
          return replicator.tail(env, after, reader)
        },
      },
    })
    await http.policy(basic)
    return new Coded(http, replicator, readers)
  }

  async write(code: number): Promise<void> {
    const changes = bits.flatMap((bit): Change[] => {
      const [before, now] = [(this.#code >> bit) & 1, (code >> bit) & 1]
      if (before === now) return []
      return [now === 1 ? { kind: 'insert', fact: role(bit) } : { kind: 'delete', pattern: role(bit) }]
    })
    this.#code = code
    const { revision } = await this.replicator.append(developmentEnvironment, { kind: 'facts', changes }, `code-${this.#writes++}`)
    this.codes.set(revision, code)
  }

  async restore(revision: number): Promise<void> {
    const restored = await this.replicator.restore(developmentEnvironment, revision)
    this.#code = this.codeAt(revision)
    this.codes.set(restored.revision, this.#code)
  }

  /** The runtime is told that the log does not reach back to where it stands, so that it takes a snapshot. */
  loseTail(): void {
    this.#readers.get(developmentEnvironment)?.failed(new LogError('out-of-range', 'told to'))
  }

  get order(): string {
    return this.http.environments.find(developmentEnvironment)?.position.split(':')[0] ?? ''
  }

  get swaps(): number {
    return this.http.logged.filter(({ event }) => event === 'replica-replaced').length
  }

  revisionOf({ headers }: Answer): number {
    return Number(headers.get('arctos-revision')?.split(':').at(-1))
  }

  codeAt(revision: number): number {
    const code = this.codes.get(revision)
    if (code === undefined) throw new Error(`no record made revision ${revision}`)
    return code
  }
}

interface Observed {
  readonly answer: Answer
  /** What the answer shows, and what it shows for a number. */
  readonly found: unknown
  readonly expected: (code: number) => unknown
}

const asked = { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo' }

/** Every kind of question, in turn. */
const questions: readonly ((http: Harness, round: number, token: string | null) => Promise<Observed>)[] = [
  async (http, round) => {
    const bit = round % BITS
    const answer = await http.authorize(`User:ana read Repo:${bitName(bit)}`)
    return { answer, found: answer.body, expected: (code) => ({ allowed: ((code >> bit) & 1) === 1 }) }
  },
  async (http) => {
    const answer = await http.post('/api/list', asked)
    return { answer, found: answer.body.results, expected: namesOf }
  },
  async (http) => {
    const pattern = {
      predicate: 'allow',
      args: [{ type: 'User', id: 'ana' }, { type: 'String', id: 'read' }, { type: 'Repo' }],
    }
    const answer = await http.post('/api/query', { fact: pattern, context_facts: [] })
    const found = (answer.body.results as unknown as { args: { id: string }[] }[]).map(({ args }) => at(args, 2).id)
    return { answer, found, expected: namesOf }
  },
  async (http) => {
    const answer = await http.post('/api/authorize_resources', {
      actor_type: 'User',
      actor_id: 'ana',
      action: 'read',
      resources: bits.map((bit) => ({ type: 'Repo', id: bitName(bit) })),
    })
    const found = (answer.body.results as unknown as { id: string }[]).map(({ id }) => id)
    return { answer, found, expected: namesOf }
  },
  async (http) => {
    const answer = await http.get('/api/facts?predicate=has_role')
    const found = (answer.body as unknown as { args: { id: string }[] }[]).map(({ args }) => at(args, 2).id)
    return { answer, found, expected: namesOf }
  },
  async (http, _, token) => {
    const answer = await http.post('/api/list', asked, token === null ? {} : { headers: { OsoOffset: token } })
    return { answer, found: answer.body.results, expected: namesOf }
  },
]

const nextOf = ({ body }: Answer): string | null => (typeof body.next_page_token === 'string' ? body.next_page_token : null)

/** A list page by page: each page is of a later state than the one before, and right for its own. */
const pages = async (http: Harness): Promise<Observed[]> => {
  const observed: Observed[] = []
  let token: string | null = null
  let last = ''
  do {
    const answer: Answer = await http.post('/api/list', { ...asked, ...(token === null ? { page_size: 2 } : { page_token: token }) })
    const after = last
    const found = answer.body.results.map(String)
    observed.push({
      answer,
      found,
      expected: (code) =>
        namesOf(code)
          .filter((name) => name > after)
          .slice(0, 2),
    })
    last = found.at(-1) ?? ''
    token = nextOf(answer)
  } while (token !== null)
  return observed
}

/** Asks until told to stop. Afterwards every answer is compared with the state that it names: a record is seen before its writer hears of it. */
const askOn = async (cell: Coded, start: number, isOver: () => boolean): Promise<() => number> => {
  const seen: { readonly revision: number; readonly observed: Observed }[] = []
  const see = (observed: Observed): void => {
    const { status, text } = observed.answer
    expect({ status, text: status === 200 ? '' : text }).toEqual({ status: 200, text: '' })
    const revision = cell.revisionOf(observed.answer)
    // One client after another request never sees an older state.
    expect(revision).toBeGreaterThanOrEqual(seen.at(-1)?.revision ?? 0)
    seen.push({ revision, observed })
  }
  for (let round = start; !isOver(); round++) {
    const newest = [...cell.codes.keys()].at(-1) ?? 0
    const token = round % 2 === 0 ? `${cell.order}:${newest}` : null
    if (round % 7 === 6) for (const observed of await pages(cell.http)) see(observed)
    else see(await at(questions, round % questions.length)(cell.http, round, token))
    if (round % 5 === 0) await pause()
  }
  return () => {
    for (const { revision, observed } of seen) {
      expect({ revision, found: observed.found }).toEqual({ revision, found: observed.expected(cell.codeAt(revision)) })
    }
    return seen.length
  }
}

describe('hot swap under load', () => {
  test('200 swaps, records all the while, every kind of question: no request fails, each is answered from one state', async () => {
    const cell = await Coded.start()
    await cell.write(1)
    const run = { isOver: false }
    const clients = [0, 1, 2, 3, 4, 5].map((start) => askOn(cell, start, () => run.isOver))
    const writer = (async () => {
      for (let code = 2; !run.isOver; code++) {
        await cell.write((code * 37) % (1 << BITS))
        for (let turn = 0; turn < code % 3; turn++) await pause()
      }
    })()
    const everyone = Promise.all([...clients, writer])
    const driven = (async () => {
      while (cell.swaps < 200 && !run.isOver) {
        // Again and again: one that meets a tail that has just ended is not heard.
        cell.loseTail()
        await pause()
      }
    })()
    await Promise.race([driven, everyone]).finally(() => (run.isOver = true))
    const counts = (await everyone).flatMap((check) => check?.() ?? [])
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(1000)
    // Of the harness itself one more database is in use, for checking policies.
    const open = [...cell.http.environments.all()].length
    await expect.poll(() => cell.http.pool.use().used - open, { timeout: 30_000 }).toBe(1)
    expect(cell.http.pool.use().idle).toBeLessThanOrEqual(2)
  }, 300_000)

  test('restores under load: each client sees the state go back once its revision has, and never mixed', async () => {
    const cell = await Coded.start()
    await cell.write(1)
    const run = { isOver: false }
    const clients = [0, 1, 2].map((start) => askOn(cell, start, () => run.isOver))
    const revisions: number[] = []
    const writer = (async () => {
      for (let round = 0; round < 5; round++) {
        for (let code = 0; code < 8; code++) await cell.write((round * 113 + code * 37) % (1 << BITS))
        const newest = (await cell.replicator.publish(developmentEnvironment)).revision
        revisions.push(newest)
        for (let code = 0; code < 5; code++) await cell.write((round * 71 + code * 59) % (1 << BITS))
        await cell.restore(newest)
        const restored = [...cell.codes.keys()].at(-1) ?? 0
        const environment = cell.http.environments.find(developmentEnvironment)
        await expect.poll(() => Number(environment?.position.split(':').at(-1)), { timeout: 30_000 }).toBeGreaterThanOrEqual(restored)
      }
      run.isOver = true
    })()
    for (const check of await Promise.all([writer, ...clients])) check?.()
    expect(cell.swaps).toBeGreaterThanOrEqual(5)
    const { body } = await cell.http.post('/api/list', asked)
    expect(body.results).toEqual(namesOf(cell.codeAt(at(revisions, 4))))
  }, 300_000)
})
