/** The unmodified Node client of Oso Cloud against the Worker: reads are answered there, writes go by way of the origin. */
import { Oso } from 'oso-cloud'
import { expect, test } from 'vitest'
import { developmentKey } from '../../src/wire/api-key.ts'
import { checkEveryMethod } from '../runtime/support/oso-client.ts'
import { anaReads, startWorkerEdge } from './support.ts'

const writes = /^POST \/api\/(policy|batch)$/

test('every public method, each read from what was published', async () => {
  const { worker, ask, publish, origin } = await startWorkerEdge({ origin: true })
  await ask.authorize(anaReads)
  await checkEveryMethod(new Oso(worker.url, developmentKey), publish)
  expect(origin.asked.length).toBeGreaterThanOrEqual(9)
  expect(origin.asked.filter((asked) => !writes.test(asked))).toEqual([])
})

test('http 18: it reads what it wrote, also what is not published yet', async () => {
  const { worker, ask, origin } = await startWorkerEdge({ origin: true })
  await ask.authorize(anaReads)
  await checkEveryMethod(new Oso(worker.url, developmentKey))
  expect(origin.asked).toContain('POST /api/authorize')
})
