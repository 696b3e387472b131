/** The Worker where clocks stand still while it computes, on workerd. On Cloudflare they go on by I/O alone. */
import { describe, expect, test } from 'vitest'
import { fact } from '../runtime/support/harness.ts'
import { basic } from '../runtime/support/policies.ts'
import { looksOf } from './looks.ts'
import { anaReads, anaRole, startWorkerEdge, until } from './support.ts'

const bobReads = 'User:bob read Repo:r1'

const linked =
  'linked(a: Node, b: Node) if has_relation(a, "next", b); linked(a: Node, b: Node) if has_relation(a, "next", c) and c matches Node and linked(c, b);'
const graph = `actor User {} resource Node { relations = { next: Node }; } ${linked}`
/** Each node leads to every other one by a ring. */
const ring = (size: number): readonly string[] =>
  Array.from({ length: size }, (_, from) => `has_relation(Node:n${from}, String:next, Node:n${(from + 1) % size})`)

describe('with clocks that never go on', () => {
  test('small questions are answered, and one that is too much is refused by its steps', async () => {
    const { cell, publish, ask, worker } = await startWorkerEdge({ settings: { ARCTOS_QUERY_TIMEOUT_MS: '1' } })
    await cell.policy(`${basic} resource Node { relations = { next: Node }; } ${linked}`)
    await cell.post('/api/batch', [{ inserts: [anaRole, ...ring(120)].map(fact) }])
    await publish()
    expect((await ask.get('/api/stats')).status).toBe(200)
    await worker.setClocks('stand')
    const query = { predicate: ['linked', ['a', 'b']], calls: [], constraints: { a: { type: 'Node' }, b: { type: 'Node' } } }
    const answer = await ask.post('/api/evaluate_query', query)
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('took longer')])
    const [ana, bob] = [await ask.authorize(anaReads), await ask.authorize(bobReads)]
    expect([ana.status, ana.body, bob.status, bob.body]).toEqual([200, { allowed: true }, 200, { allowed: false }])
  })

  test('an isolate that begins so loads, and answers', async () => {
    const { cell, publish, ask, worker } = await startWorkerEdge()
    await cell.facts(anaRole)
    await publish()
    await worker.setClocks('stand')
    for (let round = 0; round < 3; round++) {
      const [ana, bob] = [await ask.authorize(anaReads), await ask.authorize(bobReads)]
      expect([ana.status, ana.body, bob.status, bob.body]).toEqual([200, { allowed: true }, 200, { allowed: false }])
    }
    expect((await ask.get('/livez')).status).toBe(200)
    // No time has passed, so nothing is looked after: one look for the keys and one for the environment.
    expect(await looksOf(ask)).toBe(2)
  })

  test('a test of a policy that does not come to an end is refused by its steps', async () => {
    const { ask, worker } = await startWorkerEdge()
    await worker.setClocks('stand')
    const edge = (from: number, to: number): string => `has_relation(Node{"n${from}"}, "next", Node{"n${to}"});`
    const asTest = (size: number, assertion: string): string =>
      `${graph} far(a: Node, d: Node) if linked(a, b) and b matches Node and linked(b, c) and c matches Node and linked(c, d);
       test "ring" { setup { ${Array.from({ length: size }, (_, from) => edge(from, (from + 1) % size)).join(' ')} } ${assertion} }`
    const fine = await ask.post('/api/policy/test', {
      src: asTest(2, 'assert far(Node{"n0"}, Node{"n0"}); assert_not far(Node{"n0"}, Node{"n2"});'),
    })
    expect([fine.status, fine.body]).toEqual([
      200,
      expect.objectContaining({ success: true, tests: [{ name: 'ring', passed: 2, total: 2 }] }),
    ])
    // Some hundred million ways lead from each node to the next ones.
    const refused = await ask.post('/api/policy/test', { src: asTest(600, 'assert_not far(Node{"n0"}, Node{"elsewhere"});') })
    expect([refused.status, refused.body]).toEqual([200, expect.objectContaining({ success: false, tests: [] })])
    expect(refused.text).toContain('took longer')
    expect((await ask.authorize(anaReads)).body).toEqual({ allowed: false })
  })
})

describe('with clocks that go on by I/O', () => {
  test('an isolate that begins so answers, and what is published arrives', async () => {
    const { cell, publish, ask, worker } = await startWorkerEdge()
    await worker.setClocks('by-io')
    const allowed = async (question: string): Promise<boolean> => (await ask.authorize(question)).body.allowed
    expect(await allowed(anaReads)).toBe(false)
    await cell.facts(anaRole)
    await publish()
    await until(() => allowed(anaReads))
    expect(await allowed(bobReads)).toBe(false)
    await until(async () => /^\d+$/.test((await ask.authorize(anaReads)).headers.get('arctos-staleness-ms') ?? ''))
    expect((await ask.get('/readyz')).status).toBe(200)
  })
})
