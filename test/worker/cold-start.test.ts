/** The first requests of an isolate of the Worker, on workerd: they load what they ask for together, and whoever began it may go away. */
import { expect, test } from 'vitest'
import { controlEnvironment } from '../../src/log/control.ts'
import { developmentEnvironment, developmentKey } from '../../src/wire/api-key.ts'
import { asked } from '../runtime/support/harness.ts'
import { anaReads, anaRole, startWorkerEdge, until } from './support.ts'

const parts = [
  ['the keys', controlEnvironment],
  ['its facts', developmentEnvironment],
] as const

test.each(parts)(
  'whoever asked first goes away while %s are read; ten others at the same time are answered by the same load',
  async (_, env) => {
    const { cell, publish, ask, worker, metric } = await startWorkerEdge()
    await cell.facts(anaRole)
    await publish()
    await worker.holdReads(env)
    const gone = new AbortController()
    const first = fetch(`${worker.url}/api/authorize`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${developmentKey}` },
      body: JSON.stringify(asked(anaReads)),
      signal: gone.signal,
    }).then(
      () => 'answered',
      () => 'cut off',
    )
    await until(async () => (await worker.seen()).waiting === 1)
    gone.abort()
    expect(await first).toBe('cut off')

    const answers = Promise.all(Array.from({ length: 10 }, () => ask.authorize(anaReads)))
    await until(async () => (await worker.seen()).arrived === 11)
    expect((await worker.seen()).waiting).toBe(1)
    await worker.holdReads(null)
    expect((await answers).map(({ status, body }) => [status, body])).toEqual(Array(10).fill([200, { allowed: true }]))
    const position = (await cell.authorize(anaReads)).headers.get('arctos-revision')
    for (const { headers } of await answers) {
      expect(headers.get('arctos-revision')).toBe(position)
      expect(headers.get('arctos-staleness-ms')).toMatch(/^(\d+|unknown)$/)
      expect(headers.get('server-timing')).toMatch(/^oso;dur=\d/)
      expect(headers.get('arctos-served-by')).toBe(null)
    }
    // One image of the keys and one of the environment.
    expect(await metric('arctos_edge_looks{outcome="swapped"}')).toBe(2)
    const { reads } = await worker.seen()
    const images = Object.entries(reads).filter(([key]) => key.includes('/snapshots/'))
    expect(images.map(([, { asked: times }]) => times)).toEqual([1, 1])
  },
)
