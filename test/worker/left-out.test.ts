/** What the Worker does not answer itself: who does, and what is said where nobody does. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { type Endpoint, endpoints } from '../../src/wire/endpoints.ts'
import { createKey } from '../runtime/support/admin.ts'
import { asked } from '../runtime/support/harness.ts'
import { anaReads, anaRole, startWorkerEdge } from './support.ts'

const explain = endpoints.explain.path
const question = asked(anaReads)
const wrongKey = 'e_0123456789_12345_osotesttoken01xiIx'

test('explanations come from the origin as it gives them, for keys that the Worker knows', async () => {
  const { cell, ask, publish, origin } = await startWorkerEdge({ origin: true })
  const { key } = await createKey(cell, developmentEnvironment, 'read-only')
  for (const facts of [[], [anaRole]]) {
    await cell.facts(...facts)
    await publish()
    const { status, text, headers } = await ask.post(explain, question, { key })
    expect([status, headers.get('arctos-served-by')]).toEqual([200, 'origin; because=left-out'])
    expect(text).toBe((await cell.post(explain, question)).text)
    expect(JSON.parse(text)).toMatchObject({ allowed: facts.length > 0 })
  }
  expect(origin.asked).toEqual([`POST ${explain}`, `POST ${explain}`])

  // A question that cannot be meant is refused by the origin, and a key that cannot be right by the Worker.
  const malformed = await ask.post(explain, { ...question, resource_id: undefined })
  expect([malformed.status, malformed.headers.get('arctos-served-by')]).toEqual([400, 'origin; because=left-out'])
  expect((await ask.post(explain, question, { key: wrongKey })).status).toBe(401)
  expect(origin.asked).toHaveLength(3)

  origin.down = true
  const down = await ask.post(explain, question)
  expect([down.status, down.headers.get('retry-after')]).toEqual([503, '1'])
})

test('before the keys are loaded the origin explains, too, and decides on the key', async () => {
  const { cell, ask, origin } = await startWorkerEdge({ origin: true, settings: { ARCTOS_STORE: 'r2:nothing-is-here' } })
  for (const path of [explain, endpoints.authorize.path]) {
    const { status, text, headers } = await ask.post(path, question)
    expect([path, status, headers.get('arctos-served-by')]).toEqual([path, 200, 'origin; because=not-loaded'])
    expect(text).toBe((await cell.post(path, question)).text)
  }
  const refused = await ask.post(explain, question, { key: wrongKey })
  expect([refused.status, refused.headers.get('arctos-served-by')]).toEqual([401, 'origin; because=not-loaded'])
  expect(origin.asked).toHaveLength(3)
})

test('without an origin an explanation is refused, and for whom it would not be told, that is said first', async () => {
  const { ask } = await startWorkerEdge()
  const { status, body } = await ask.post(explain, question)
  const message = 'a Worker does not explain its answers, and this one has no origin that would: ask a cell'
  expect([status, body.message]).toEqual([400, message])
  expect((await ask.post(explain, question, { key: wrongKey })).status).toBe(401)
})

test('what it does not know at all is the rest, as the guide says, origin or not', async () => {
  const of = (access: Endpoint['access']) => Object.values(endpoints).filter((endpoint) => endpoint.access === access)
  const unknown = [endpoints.openapi, endpoints.fallbackHealthcheck, ...of('admin'), ...of('secret')]
  for (const origin of [true, false]) {
    const { ask, origin: cell } = await startWorkerEdge({ origin })
    const found: Endpoint[] = []
    for (const endpoint of Object.values(endpoints)) {
      const body = endpoint.method === 'GET' ? undefined : {}
      const { status, text } = await ask.ask(endpoint.method, endpoint.path.replace('*', 'some'), body)
      if (status === 404 && text.includes('there is no such endpoint, or not with this method')) found.push(endpoint)
    }
    expect(new Set(found)).toEqual(new Set(unknown))
    expect((await ask.post(endpoints.testEnvironment.path)).status).toBe(404)
    expect(cell.asked.filter((what) => unknown.some(({ path }) => what.endsWith(path)))).toEqual([])
  }
  const guide = await readFile(new URL('../../docs/guides/deploy-workers.md', import.meta.url), 'utf8')
  for (const named of [endpoints.explain, endpoints.openapi, endpoints.status, endpoints.testEnvironment, endpoints.fallbackHealthcheck])
    expect(guide).toContain(`\`${named.path}\``)
  for (const prefix of ['/v1/admin/', '/v1/objects/']) expect(guide).toContain(`\`${prefix}…\``)
})
