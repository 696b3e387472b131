/** `/v1/explain` over HTTP: on a cell, an edge and a fallback. */
import { beforeAll, expect, test } from 'vitest'
import type { ExplainBody } from '../../src/wire/responses.ts'
import { originOf, startCell, startEdge } from './support/edge.ts'
import { type Answer, asked, createHarness, fact, type Harness, readOnlyKey } from './support/harness.ts'
import { basic, wild } from './support/policies.ts'

let http: Harness
beforeAll(async () => {
  http = await createHarness()
  await http.policy(basic)
  await http.facts('has_role(User:ana, String:member, Org:o1)', 'has_relation(Repo:r1, String:org, Org:o1)')
})

const explanation = ({ status, text }: Answer): ExplainBody => {
  expect(status).toBe(200)
  const body: ExplainBody = JSON.parse(text)
  return body
}

test('an allow has a proof with the facts that it rests on', async () => {
  const { proof, facts, ...rest } = explanation(await http.post('/v1/explain', asked('User:ana read Repo:r1')))
  const atom = fact('allow(User:ana, String:read, Repo:r1)')
  expect(rest).toEqual({ allowed: true, atom, absent: [], attempts: [], missing: null, truncated: false })
  expect(facts.toSorted((a, b) => (a.predicate < b.predicate ? -1 : 1))).toEqual([
    fact('has_relation(Repo:r1, String:org, Org:o1)'),
    fact('has_role(User:ana, String:member, Org:o1)'),
  ])
  expect(proof).toMatchObject({
    kind: 'rule',
    atom,
    source: null,
    conditions: [
      {
        proof: {
          source: { line: 17, column: 3, text: '"read" if "reader";' },
          conditions: [
            {
              proof: {
                source: { line: 16, column: 3, text: '"reader" if "member" on "org";' },
                conditions: [
                  { kind: 'call', proof: { kind: 'fact', origin: 'stored' } },
                  { kind: 'call', proof: { kind: 'fact', origin: 'stored' } },
                ],
              },
            },
          ],
        },
      },
    ],
  })
})

test('a deny names what is missing, and with it there is an allow', async () => {
  const question = asked('User:bob read Repo:r1')
  const denied = explanation(await http.post('/v1/explain', question))
  expect(denied).toMatchObject({ allowed: false, proof: null, missing: [fact('has_role(User:bob, String:reader, Repo:r1)')] })
  const allowed = explanation(await http.post('/v1/explain', { ...question, context_facts: denied.missing }))
  expect(allowed).toMatchObject({ allowed: true, facts: denied.missing })
  expect(JSON.stringify(allowed.proof)).toContain('"origin":"context"')
})

test('a global permission is explained without a resource', async () => {
  const wide = await createHarness()
  await wide.policy(wild)
  const question = { actor_type: 'User', actor_id: 'ana', action: 'tour' }
  expect(explanation(await wide.post('/v1/explain', question))).toMatchObject({ allowed: true, facts: [] })
  expect(explanation(await wide.post('/v1/explain', { ...question, action: 'fly' }))).toMatchObject({ allowed: false })
  const { allowed, absent } = explanation(await wide.post('/v1/explain', asked('User:ana touch Repo:r9')))
  expect({ allowed, absent }).toEqual({ allowed: true, absent: [fact('frozen(Repo:r9)')] })
})

test('what authorize refuses is refused', async () => {
  const question = asked('User:ana read Repo:r1')
  const bad = [
    { ...question, actor_type: undefined },
    { ...question, actor_id: '' },
    { ...question, action: 5 },
    { ...question, resource_type: undefined },
    { ...question, resource_id: null },
    { ...question, resource_type: 'Integer', resource_id: 'x' },
    { ...question, context_facts: [fact('unheard_of(User:ana)')] },
    { ...question, context_facts: 'none' },
    [],
    null,
  ]
  for (const body of bad) expect({ body, status: (await http.post('/v1/explain', body)).status }).toEqual({ body, status: 400 })
  expect((await http.post('/v1/explain', question, { key: null })).status).toBe(401)
  expect((await http.post('/v1/explain', question, { key: readOnlyKey })).status).toBe(200)
})

test('what the policy does not know is denied', async () => {
  const { allowed, attempts, missing } = explanation(await http.post('/v1/explain', asked('Stranger:x read Nothing:y')))
  expect({ allowed, attempts: attempts.length, missing }).toEqual({
    allowed: false,
    attempts: 1,
    missing: [fact('has_permission(Stranger:x, String:read, Nothing:y)')],
  })
})

test('a position is waited for, and the answer says which it has', async () => {
  const { headers } = await http.post('/api/batch', [{ inserts: [fact('has_role(User:eve, String:reader, Repo:r1)')] }])
  const token = headers.get('osooffset') ?? ''
  const answer = await http.post('/v1/explain', asked('User:eve read Repo:r1'), { headers: { OsoOffset: token } })
  expect(explanation(answer).allowed).toBe(true)
  expect(answer.headers.get('arctos-revision')).toBe(token)
  const [order = '', revision = ''] = token.split(':')
  const later = `${order}:${Number(revision) + 1000}`
  expect((await http.post('/v1/explain', asked('User:eve read Repo:r1'), { headers: { OsoOffset: later } })).status).toBe(503)
})

test.each(['edge', 'fallback'] as const)('of an %s', async (kind) => {
  const all = await startCell()
  await all.cell.policy(basic)
  await all.cell.facts('has_role(User:ana, String:reader, Repo:r1)')
  await all.publish()
  const origin = originOf(all.cell)
  const { edge } = await startEdge({ objects: all.objects, kind, ...(kind === 'edge' ? { origin: origin.fetch } : {}) })
  for (const question of ['User:ana read Repo:r1', 'User:bob read Repo:r1'].map(asked)) {
    expect(explanation(await edge.post('/v1/explain', question))).toEqual(explanation(await all.cell.post('/v1/explain', question)))
  }
  expect(origin.forwarded).toEqual([])
})
