/** Every public method of the unmodified Node client of Oso Cloud, but local authorization. */
import { type IntoFact, Oso, ParityHandle, typedVar } from 'oso-cloud'
import { expect, vi } from 'vitest'
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

const readers = (userId: string, ...repos: readonly string[]): IntoFact[] =>
  repos.map((id) => ['has_role', user(userId), 'reader', repo(id)])

/** What the client has: a method that a new version adds shows here. */
const methods = [
  'actions',
  'authorize',
  'batch',
  'buildQuery',
  'delete',
  'get',
  'getPolicyMetadata',
  'insert',
  'list',
  'listPaginated',
  'policy',
]
const localMethods = ['actionsLocal', 'authorizeLocal', 'listLocal']
const queryMethods = ['and', 'evaluate', 'in', 'withContextFacts']
const localQueryMethods = ['evaluateLocalFilter', 'evaluateLocalSelect']
const publicOf = (prototype: object): string[] => Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor')

/** Against whatever answers the client. `settle` is waited for between what it writes and what it reads next. */
export const checkEveryMethod = async (client: Oso, settle: () => Promise<void> = async () => {}): Promise<void> => {
  expect(publicOf(Oso.prototype).toSorted()).toEqual([...methods, ...localMethods].toSorted())
  const { oso, called } = recorded(client)
  await checkWrites(oso, settle)
  await checkChecks(oso)
  await checkContextFacts(oso)
  await checkParity(oso)
  await checkFacts(oso)
  await checkQueries(oso)
  await oso.delete(['has_role', user('bob'), null, null])
  await settle()
  expect(await oso.list(user('bob'), 'read', 'Repo')).toEqual([])
  await expect(oso.insert(['nothing', user('ana')])).rejects.toThrow('is not used in policy')
  await expect(oso.policy('nonsense')).rejects.toThrow('policy.polar:1:')
  expect([...called].toSorted()).toEqual(methods)
}

/** The client as it is, and the names of its methods that are called from outside. */
const recorded = (client: Oso): { readonly oso: Oso; readonly called: ReadonlySet<string> } => {
  const called = new Set<string>()
  const oso = new Proxy(client, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name, target)
      if (typeof found !== 'function') return found
      called.add(String(name))
      return found.bind(target) as unknown
    },
  })
  return { oso, called }
}

const checkWrites = async (oso: Oso, settle: () => Promise<void>): Promise<void> => {
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
    tx.insert(['has_role', user('pia'), 'member', org('o2')])
    for (const id of ['p1', 'p2']) tx.insert(['has_relation', repo(id), 'org', org('o2')])
  })
  await settle()
}

const checkChecks = async (oso: Oso): Promise<void> => {
  expect(await oso.authorize(user('ana'), 'write', repo('r1'))).toBe(true)
  expect(await oso.authorize(user('ana'), 'write', repo('r2'))).toBe(false)
  expect(await oso.authorize(user('zed'), 'read', repo('r2'), [['has_role', user('zed'), 'member', org('o1')]])).toBe(true)
  expect(await oso.list(user('bob'), 'read', 'Repo')).toEqual(['r2'])
  expect(await oso.list(user('bob'), 'browse', 'Repo')).toEqual(['*'])
  expect(await oso.listPaginated(user('ana'), 'read', 'Repo', 1)).toEqual({ results: ['r1'], nextPageToken: null })
  expect(await pagesOf((token) => oso.listPaginated(user('pia'), 'read', 'Repo', 1, token))).toEqual([['p1'], ['p2']])
  expect(await oso.actions(user('ana'), repo('r1'))).toEqual(['browse', 'read', 'write'])
}

interface Page {
  readonly results: string[]
  readonly nextPageToken: string | null
}

/** Every page up to the one without a token behind it. */
const pagesOf = async (ask: (token?: string) => Promise<Page>): Promise<string[][]> => {
  const pages: string[][] = []
  for (let token: string | undefined; ; ) {
    const { results, nextPageToken } = await ask(token)
    pages.push(results)
    expect(pages.length).toBeLessThan(10)
    if (nextPageToken === null) return pages
    token = nextPageToken
  }
}

/** They count in every question, and in that question alone. */
const checkContextFacts = async (oso: Oso): Promise<void> => {
  const zed = user('zed')
  const facts = readers('zed', 'c1', 'c2')
  expect(await oso.authorize(zed, 'read', repo('c1'), facts)).toBe(true)
  expect(await oso.authorize(zed, 'read', repo('c1'), { contextFacts: facts })).toBe(true)
  expect(await oso.authorize(zed, 'read', repo('c1'))).toBe(false)
  expect(await oso.list(zed, 'read', 'Repo', facts)).toEqual(['c1', 'c2'])
  expect(await oso.list(zed, 'read', 'Repo')).toEqual([])
  expect(await pagesOf((token) => oso.listPaginated(zed, 'read', 'Repo', 1, token, facts))).toEqual([['c1'], ['c2']])
  expect(await oso.listPaginated(zed, 'read', 'Repo', 1)).toEqual({ results: [], nextPageToken: null })
  expect(await oso.actions(zed, repo('c1'), facts)).toEqual(['browse', 'read'])
  expect(await oso.actions(zed, repo('c1'))).toEqual(['browse'])
}

/** An expectation is sent behind the caller's back, after the check or with it: here its answer is waited for. */
const checkParity = async (oso: Oso): Promise<void> => {
  const sent = vi.spyOn(oso.api, 'postExpectedResult')
  try {
    const late = new ParityHandle()
    expect(await oso.authorize(user('ana'), 'read', repo('r1'), { parityHandle: late })).toBe(true)
    expect(sent).not.toHaveBeenCalled()
    late.expect(true)
    const early = new ParityHandle()
    early.expect(true)
    expect(await oso.authorize(user('bob'), 'write', repo('r1'), { parityHandle: early })).toBe(false)
    expect(sent.mock.calls).toEqual([true, true].map((expected) => [{ request_id: expect.stringMatching(/^\S+$/), expected }]))
    for (const { value } of sent.mock.results) expect(await value).toEqual({ message: expect.any(String) })
    expect(() => late.expect(true)).toThrow('Attempted to set expected result twice')
  } finally {
    sent.mockRestore()
  }
}

const checkFacts = async (oso: Oso): Promise<void> => {
  expect(await oso.get(['has_role', user('bob'), null, null])).toEqual([
    ['has_role', user('bob'), { type: 'String', id: 'member' }, org('o1')],
  ])
  expect(await oso.get(['has_role', null, null, { type: 'Repo' }])).toEqual([
    ['has_role', user('ana'), { type: 'String', id: 'writer' }, repo('r1')],
  ])
  expect(await oso.get(['plan', org('o1'), null])).toEqual([['plan', org('o1'), { type: 'Integer', id: '7' }]])

  expect(await oso.get(['trial', org('o1'), true])).toHaveLength(1)
}

const checkQueries = async (oso: Oso): Promise<void> => {
  const builder = Object.getPrototypeOf(oso.buildQuery(['has_permission', user('eve'), 'configure'])) as object
  expect(publicOf(builder).toSorted()).toEqual([...queryMethods, ...localQueryMethods].toSorted())
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
}
