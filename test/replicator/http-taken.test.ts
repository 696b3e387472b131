/** What a runtime tells of the pushes that it has done with: at once where another runtime waits, and otherwise several at once. */
import { expect, test, vi } from 'vitest'
import type { InnerFetch } from '../../snapshots/inner-fetch.ts'
import { parseSaid } from '../../src/wire/inner.ts'
import { open, type ServedReplicator } from './http-harness.ts'
import { note, reader } from './inner-conformance.ts'

interface Seen {
  /** Of each `records` line with records. */
  readonly awaited: boolean[]
  /** Pushes told of in each line that tells of some. */
  readonly taken: number[]
}

/** Looks at what passes, both ways. */
const watched =
  (seen: Seen) =>
  (own: InnerFetch): InnerFetch =>
  async (url, request) => {
    const response = await own(url, request)
    const { body, send } = response
    if (body === null || send === undefined) return response
    const look = (text: string): boolean => {
      for (const line of text.split('\n')) if (line.includes('"taken"')) lookAt(line, seen)
      return send(text)
    }
    return { ...response, body: lookedAt(body, seen), send: look }
  }

const lookAt = (line: string, { taken }: Seen): void => {
  const said = parseSaid(line)
  const pushes = said.kind === 'commands' ? said.taken.reduce((sum, [, count]) => sum + count, 0) : 0
  if (pushes > 0) taken.push(pushes)
}

async function* lookedAt(body: AsyncIterable<Uint8Array>, { awaited }: Seen): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    for (const [, found] of Buffer.from(chunk)
      .toString()
      .matchAll(/"revisions":\[\d[^\]]*\],"awaited":(true|false)/g))
      awaited.push(found === 'true')
    yield chunk
  }
}

interface Watched {
  readonly served: ServedReplicator
  readonly runtime: ReturnType<ServedReplicator['client']>
  readonly own: ReturnType<typeof reader>
  readonly seen: Seen
  /** Of every push that came the replicator was told. */
  readonly allTold: () => Promise<void>
}

/** One runtime that follows an environment, up to its head. */
const follow = async (): Promise<Watched> => {
  const served = await open()
  const seen: Seen = { awaited: [], taken: [] }
  const runtime = served.client({ over: watched(seen) })
  await runtime.createEnvironment('e')
  const own = reader()
  runtime.tail('e', -1, own)
  await own.count(1)
  const told = (): number => seen.taken.reduce((sum, count) => sum + count, 0)
  const allTold = (): Promise<void> => vi.waitFor(() => expect(told()).toBe(seen.awaited.length), { timeout: 20_000, interval: 5 })
  await allTold()
  return { served, runtime, own, seen, allTold }
}

test('a runtime alone is waited for by nobody, and tells of every push all the same; with another one it is waited for', async () => {
  const { served, runtime, seen, allTold } = await follow()
  // What is read before the head is reached is waited for: the next reading begins then.
  expect(seen.awaited).toEqual([true])
  const append = async (name: string): Promise<void> => {
    await runtime.append('e', note(name), name)
    await allTold()
  }
  for (let number = 0; number < 5; number++) await append(`n${number}`)
  expect(seen.awaited.slice(1)).toEqual([false, false, false, false, false])

  const other = reader()
  served.client().tail('e', -1, other)
  await other.count(6)
  await append('with another')
  expect(seen.awaited.at(-1)).toBe(true)
})

test('pushes that come one after another are told of together', async () => {
  const { runtime, own, seen, allTold } = await follow()
  for (let number = 0; number < 60; number++) await runtime.append('e', note(`n${number}`), `w${number}`)
  await own.count(61)
  await allTold()
  expect(seen.taken.length).toBeLessThan(seen.awaited.length)
})
