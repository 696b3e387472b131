/** The whole app in one process, on Node and where edges run. */
import { expect, test } from 'vitest'
import { createHarness, fact } from '../runtime/support/harness.ts'
import { basic } from '../runtime/support/policies.ts'

test('the app answers on every platform', async () => {
  const http = await createHarness()
  await http.policy(`${basic} test "t" { assert_not allow(User{"a"}, "read", Repo{"r"}); }`)
  await http.facts('has_role(User:ana, String:reader, Repo:r1)', 'has_role(User:ana, String:reader, Repo:r2)')
  expect(await http.allowed('User:ana read Repo:r1')).toBe(true)
  expect(await http.allowed('User:ana write Repo:r1')).toBe(false)
  const first = await http.post('/api/list', { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo', page_size: 1 })
  expect(first.body.results).toEqual(['r1'])
  expect((await http.post('/api/authorize', {})).status).toBe(400)
  expect((await http.get('/api/facts')).headers.get('arctos-revision')).toMatch(/:[0-9]+$/)
  expect((await http.post('/api/facts', fact('nothing(User:ana)'))).status).toBe(400)
  expect(http.logged).toEqual([expect.objectContaining({ event: 'policy-saved' })])
})
