/** Every public method of the unmodified Node client of Oso Cloud, but local authorization. */
import { type Oso, ParityHandle, typedVar } from 'oso-cloud'
import { expect } from 'vitest'
import { basic } from './policies.ts'

const policy = `${basic}
declare plan(Org, Integer);
declare trial(Org, Boolean);
global { roles = ["admin"]; permissions = ["configure"]; "configure" if "admin"; }
has_permission(_: User, "browse", _: Repo);
`
const user = (id: string) => ({ type: 'User', id })
const repo = (id: string) => ({ type: 'Repo', id })
const org = (id: string) => ({ type: 'Org', id })

/** Against whatever answers the client. `settle` is waited for between what it writes and what it reads next. */
export const checkEveryMethod = async (oso: Oso, settle: () => Promise<void> = async () => {}): Promise<void> => {
  await oso.policy(policy)
  await oso.policy(policy)
  await settle()
  const metadata = await oso.getPolicyMetadata()
  expect(metadata.resources['Repo']).toEqual({ roles: ['reader', 'writer'], permissions: ['read', 'write'], relations: { org: 'Org' } })
  expect(metadata.resources['global']).toEqual({ roles: ['admin'], permissions: ['configure'], relations: {} })

  await oso.insert(['has_role', user('ana'), 'writer', repo('r1')])
  await oso.insert(['plan', org('o1'), 7])
  await oso.insert(['trial', org('o1'), true])
  await oso.batch((tx) => {
    tx.insert(['has_role', user('bob'), 'member', org('o1')])
    tx.insert(['has_relation', repo('r2'), 'org', org('o1')])
    tx.insert(['has_role', user('bob'), 'reader', repo('gone')])
    tx.delete(['has_role', user('bob'), 'reader', repo('gone')])
    tx.insert(['has_role', user('eve'), 'admin'])
  })
  await settle()

  expect(await oso.authorize(user('ana'), 'write', repo('r1'))).toBe(true)
  expect(await oso.authorize(user('ana'), 'write', repo('r2'))).toBe(false)
  expect(await oso.authorize(user('zed'), 'read', repo('r2'), [['has_role', user('zed'), 'member', org('o1')]])).toBe(true)
  expect(await oso.list(user('bob'), 'read', 'Repo')).toEqual(['r2'])
  expect(await oso.list(user('bob'), 'browse', 'Repo')).toEqual(['*'])
  const first = await oso.listPaginated(user('ana'), 'read', 'Repo', 1)
  expect(first).toEqual({ results: ['r1'], nextPageToken: null })
  expect(await oso.actions(user('ana'), repo('r1'))).toEqual(['browse', 'read', 'write'])

  const parityHandle = new ParityHandle()
  expect(await oso.authorize(user('ana'), 'read', repo('r1'), { parityHandle })).toBe(true)
  parityHandle.expect(true)

  expect(await oso.get(['has_role', user('bob'), null, null])).toEqual([
    ['has_role', user('bob'), { type: 'String', id: 'member' }, org('o1')],
  ])
  expect(await oso.get(['has_role', null, null, { type: 'Repo' }])).toEqual([
    ['has_role', user('ana'), { type: 'String', id: 'writer' }, repo('r1')],
  ])
  expect(await oso.get(['plan', org('o1'), null])).toEqual([['plan', org('o1'), { type: 'Integer', id: '7' }]])

  expect(await oso.get(['trial', org('o1'), true])).toHaveLength(1)

  const actor = typedVar('User')
  const resource = typedVar('Repo')
  expect((await oso.buildQuery(['allow', actor, 'read', repo('r2')]).evaluate(actor)).sort()).toEqual(['bob'])
  expect(await oso.buildQuery(['allow', user('ana'), 'read', resource]).evaluate(resource)).toEqual(['r1'])
  expect(await oso.buildQuery(['allow', user('ana'), 'read', repo('r1')]).evaluate()).toBe(true)
  expect(await oso.buildQuery(['allow', user('ana'), 'read', repo('r2')]).evaluate()).toBe(false)
  const action = typedVar('String')
  expect(
    await oso
      .buildQuery(['allow', user('ana'), action, resource])
      .in(action, ['read', 'write'])
      .evaluate([action, resource]),
  ).toEqual([
    ['read', 'r1'],
    ['write', 'r1'],
  ])
  const pairs = await oso
    .buildQuery(['allow', actor, action, resource])
    .in(action, ['write'])
    .evaluate(new Map([[actor, resource]]))
  expect(pairs).toEqual(new Map([['ana', ['r1']]]))
  const joined = oso.buildQuery(['allow', actor, 'read', resource]).and(['has_relation', resource, 'org', org('o1')])
  expect(await joined.evaluate([actor, resource])).toEqual([['bob', 'r2']])
  const withContext = oso
    .buildQuery(['allow', user('zed'), 'read', resource])
    .withContextFacts([['has_role', user('zed'), 'reader', repo('r9')]])
  expect(await withContext.evaluate(resource)).toEqual(['r9'])
  expect(await oso.buildQuery(['has_permission', user('eve'), 'configure']).evaluate()).toBe(true)

  await oso.delete(['has_role', user('bob'), null, null])
  await settle()
  expect(await oso.list(user('bob'), 'read', 'Repo')).toEqual([])

  await expect(oso.insert(['nothing', user('ana')])).rejects.toThrow('is not used in policy')
  await expect(oso.policy('nonsense')).rejects.toThrow('policy.polar:1:')
}
