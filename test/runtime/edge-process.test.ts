/** Real processes: a cell, an edge that it feeds, and fallbacks, with the unmodified client of Oso Cloud. */
import { createHash } from 'node:crypto'
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Oso } from 'oso-cloud'
import { describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { developmentEnvironment, developmentKey } from '../../src/wire/api-key.ts'
import {
  anaReads,
  canRead,
  fallbackToken,
  identity,
  isReady,
  published,
  refresh,
  secret,
  startCell,
  startFallback,
  storeOf,
  until,
} from './support/edge-processes.ts'
import { asked, fact } from './support/harness.ts'
import { basic } from './support/policies.ts'
import { arctos, get, post, type ServerProcess, startServer, temporaryDirectory } from './support/process.ts'

const user = (id: string) => ({ type: 'User', id })
const repo = (id: string) => ({ type: 'Repo', id })

describe('an edge', () => {
  test('fed by its origin alone: reads, writes, positions, and what holds when the origin dies', async () => {
    const cell = await startCell()
    const edge = await startServer({ command: 'edge', settings: { ARCTOS_ORIGIN: cell.url, ARCTOS_SECRET: secret, ...refresh } })
    await until(() => isReady(edge))

    const oso = new Oso(edge.url, developmentKey)
    await oso.policy(basic)
    await oso.insert(['has_role', user('ana'), 'reader', repo('r1')])
    // Read-your-writes by the position that the client keeps.
    expect(await oso.authorize(user('ana'), 'read', repo('r1'))).toBe(true)
    await oso.delete(['has_role', user('ana'), 'reader', repo('r1')])
    expect(await oso.authorize(user('ana'), 'read', repo('r1'))).toBe(false)
    await oso.insert(['has_role', user('ana'), 'reader', repo('r1')])
    // The edge itself has to have the last write: what it answered so far it may have asked its origin.
    const newest = (await post(cell, '/api/authorize', anaReads)).headers.get('arctos-revision')
    expect(newest).toMatch(/:\d+$/)
    await until(async () => {
      const { headers } = await post(edge, '/api/authorize', anaReads)
      return headers.get('arctos-revision') === newest && Number(headers.get('arctos-staleness-ms')) < 60_000
    })

    await cell.end('SIGKILL')
    for (let round = 0; round < 20; round++) expect(await canRead(edge)).toBe(true)
    const refused = await post(edge, '/api/batch', [{ inserts: [fact('has_role(User:bob, String:reader, Repo:r1)')] }])
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await edge.end()).toBe(0)
  })

  test('answers 503, never 401, before it has the keys; and serves when the origin comes', async () => {
    const first = await startCell()
    await post(first, '/api/policy', { src: basic })
    await published(first)
    await first.end('SIGKILL')
    const edge = await startServer({ command: 'edge', settings: { ARCTOS_ORIGIN: first.url, ARCTOS_SECRET: secret, ...refresh } })
    expect((await post(edge, '/api/authorize', anaReads, 'e_some_1_keyofthecell00001')).status).toBe(503)
    expect((await fetch(`${edge.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${edge.url}/livez`)).status).toBe(200)
    await startCell({ directory: first.directory, port: new URL(first.url).port })
    await until(() => isReady(edge))
    expect((await post(edge, '/api/authorize', anaReads)).status).toBe(200)
    expect((await post(edge, '/api/authorize', anaReads, 'e_some_1_keyofthecell00001')).status).toBe(401)
  })

  test('cannot start without a store and an origin, or with a store that is not there', async () => {
    const nothing = await arctos(['edge'], { OSO_PORT: '0' })
    expect([nothing.code, nothing.err]).toEqual([1, expect.stringContaining('ARCTOS_STORE')])
    const missing = await arctos(['edge'], { OSO_PORT: '0', ARCTOS_STORE: 'file:/nowhere/at/all' })
    expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('the object store cannot be used')])
  })

  test('the secret of the cell guards its objects', async () => {
    const cell = await startCell()
    const of = async (path: string, authorization?: string) =>
      (await fetch(`${cell.url}/v1/objects/${path}`, authorization === undefined ? {} : { headers: { authorization } })).status
    await until(async () => (await of('control/manifest.json', `Bearer ${secret}`)) === 200)
    expect(await of('control/manifest.json')).toBe(401)
    expect(await of('control/manifest.json', `Bearer ${secret}x`)).toBe(401)
    expect(await of('control/manifest.json', `Bearer ${developmentKey}`)).toBe(401)
    expect(await of('nothing', `Bearer ${secret}`)).toBe(404)
    for (const path of ['..%2Flog.sqlite', '%2e%2e/log.sqlite', '.lock', 'a%00b', '%zz'])
      expect(await of(path, `Bearer ${secret}`)).toBe(404)
    const fetched = (headers: Readonly<Record<string, string>>): Promise<Response> =>
      fetch(`${cell.url}/v1/objects/control/manifest.json`, { headers: { authorization: `Bearer ${secret}`, ...headers } })
    // The manifest may be replaced between two looks.
    await until(async () => {
      const found = await fetched({})
      expect(found.headers.get('x-request-id')).not.toBe(null)
      expect(await found.json()).toMatchObject({ env: 'control' })
      const again = await fetched({ 'if-none-match': known(found.headers.get('etag'), 'a tag') })
      return again.status === 304 && (await again.text()) === ''
    })
  })
})

describe('a fallback', () => {
  test('the client switches to it when the primary dies, and back', async () => {
    const cell = await startCell()
    const oso = new Oso(cell.url, developmentKey)
    await oso.policy(basic)
    await oso.insert(['has_role', user('ana'), 'reader', repo('r1')])
    await published(cell)
    const fallback = await startFallback(storeOf(cell))
    await until(() => canRead(fallback))

    const client = new Oso(cell.url, developmentKey, { fallbackUrl: fallback.url })
    await client.insert(['has_role', user('bob'), 'reader', repo('r1')])
    await until(() => canRead(fallback, asked('User:bob read Repo:r1')))

    await cell.end('SIGKILL')
    expect(await client.authorize(user('ana'), 'read', repo('r1'))).toBe(true)
    expect(await client.authorize(user('eve'), 'read', repo('r1'))).toBe(false)
    expect(await client.list(user('bob'), 'read', 'Repo')).toEqual(['r1'])
    expect(await client.actions(user('ana'), repo('r1'))).toEqual(['read'])
    expect((await client.getPolicyMetadata()).resources['Repo']?.roles).toEqual(['reader', 'writer'])
    expect(await client.buildQuery(['allow', user('ana'), 'read', repo('r1')]).evaluate()).toBe(true)
    // Its query string is lost on the way, so it must not be answered with everything.
    await expect(client.get(['has_role', user('ana'), null, null])).rejects.toThrow('predicate')
    await expect(client.insert(['has_role', user('eve'), 'reader', repo('r1')])).rejects.toThrow('fetch error')

    const port = new URL(cell.url).port
    await startCell({ directory: cell.directory, port })
    await client.insert(['has_role', user('eve'), 'reader', repo('r9')])
    expect(await client.authorize(user('eve'), 'read', repo('r9'))).toBe(true)
    const log = fallback.text.err
    expect(await client.get(['has_role', user('eve'), null, null])).toHaveLength(1)
    expect(fallback.text.err).toBe(log)
  })

  test('http 98: /metrics has both names, with the labels path, status_code and le', async () => {
    const cell = await startCell()
    await post(cell, '/api/policy', { src: basic })
    await published(cell)
    const fallback = await startFallback(storeOf(cell))
    await until(async () => (await fetch(`${fallback.url}/healthcheck`)).status === 200)
    await post(fallback, '/api/authorize', anaReads, fallbackToken)
    await post(fallback, '/api/batch', [], fallbackToken)
    const text = await (await fetch(`${fallback.url}/metrics`)).text()
    expect(text).toMatch(/^# TYPE oso_fallback_snapshot_age_ms gauge$/m)
    expect(Number(/^oso_fallback_snapshot_age_ms (\S+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(0)
    expect(text).toMatch(/^# TYPE oso_fallback_http_requests histogram$/m)
    expect(text).toMatch(/^oso_fallback_http_requests_bucket\{le="\+Inf",path="\/api\/authorize",status_code="200"\} 1$/m)
    expect(text).toMatch(/^oso_fallback_http_requests_bucket\{le="\+Inf",path="\/api\/batch",status_code="403"\} 1$/m)
    expect(text).not.toContain(developmentEnvironment)
  })

  test('takes every key of the primary for its environment, those that are made later too, and its own read-only', async () => {
    const adminKey = 'a_adminkeyofthiscell01'
    const hash = createHash('sha256').update(adminKey).digest('hex')
    const cell = await startCell({ settings: { ARCTOS_ADMIN_KEY: hash } })
    await post(cell, '/v1/admin/environments', { id: 'acme' }, adminKey)
    const makeKey = async (environment: string): Promise<string> =>
      ((await post(cell, '/v1/admin/keys', { environment }, adminKey)).body as unknown as { readonly key: string }).key
    const early = await makeKey('acme')
    await post(cell, '/api/policy', { src: basic }, early)
    await published(cell, 'acme', early)
    const own = 'e_acme_fb_fallbacktoken000001'
    const fallback = await startFallback(storeOf(cell), { settings: { OSO_ENVIRONMENT: 'acme', OSO_API_TOKEN: own } })
    const statusWith = async (key: string): Promise<number> => (await get(fallback, '/api/stats', key)).status
    await until(async () => (await statusWith(own)) === 200)
    expect(await statusWith(early)).toBe(200)
    const late = await makeKey('acme')
    await until(async () => (await statusWith(late)) === 200)
    const foreign = await makeKey(developmentEnvironment)
    expect(await statusWith(foreign)).toBe(401)
    expect(await statusWith(developmentKey)).toBe(401)
    expect((await post(fallback, '/api/batch', [], own)).status).toBe(403)
  })

  test('starts from its copy with everything else down, and from nothing it refuses to', async () => {
    const cell = await startCell()
    await post(cell, '/api/policy', { src: basic })
    await post(cell, '/api/batch', [{ inserts: [fact('has_role(User:ana, String:reader, Repo:r1)')] }])
    const store = storeOf(cell)
    await published(cell)
    const first = await startFallback(store)
    const ask = (server: ServerProcess) => post(server, '/api/authorize', anaReads, fallbackToken)
    await until(async () => (await ask(first)).body.allowed === true)
    expect(await first.end()).toBe(0)
    await cell.end('SIGKILL')
    await rm(join(cell.directory, 'objects'), { recursive: true })

    const second = await startFallback(store, { directory: first.directory })
    await until(async () => (await ask(second)).status === 200)
    expect((await ask(second)).body.allowed).toBe(true)
    expect((await fetch(`${second.url}/healthcheck`)).status).toBe(200)
    expect((await fetch(`${second.url}/readyz`)).status).toBe(503)
    const age = /^oso_fallback_snapshot_age_ms (\S+)$/m.exec(await (await fetch(`${second.url}/metrics`)).text())?.[1]
    expect(Number(age)).toBeGreaterThan(0)

    // One directory, one process.
    const both = await arctos(['fallback'], { ...identity, OSO_PORT: '0', ARCTOS_STORE: store, OSO_DIRECTORY: first.directory })
    expect([both.code, both.err]).toEqual([1, expect.stringContaining('in use by another process')])

    const none = await arctos(['fallback'], { ...identity, OSO_PORT: '0', ARCTOS_STORE: store, OSO_DIRECTORY: await temporaryDirectory() })
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('the object store cannot be used')])
    const unreachable = 'http://127.0.0.1:9/objects'
    const silent = await arctos(['fallback'], {
      ...identity,
      OSO_PORT: '0',
      ARCTOS_STORE: unreachable,
      OSO_DIRECTORY: await temporaryDirectory(),
    })
    expect([silent.code, silent.err]).toEqual([1, expect.stringContaining('no snapshot of environment')])
  })

  test('a damaged copy on disk is mended from the store', async () => {
    const cell = await startCell()
    await post(cell, '/api/policy', { src: basic })
    await post(cell, '/api/batch', [{ inserts: [fact('has_role(User:ana, String:reader, Repo:r1)')] }])
    await published(cell)
    const first = await startFallback(storeOf(cell))
    const ask = (server: ServerProcess) => post(server, '/api/authorize', anaReads, fallbackToken)
    await until(async () => (await ask(first)).body.allowed === true)
    await first.end()
    const folder = join(first.directory, 'copy', developmentEnvironment, 'snapshots')
    for (const file of await readdir(folder)) await writeFile(join(folder, file), 'nonsense')
    const second = await startFallback(storeOf(cell), { directory: first.directory })
    await until(async () => (await ask(second)).body.allowed === true)
    const sizes = await Promise.all((await readdir(folder)).map(async (file) => (await readFile(join(folder, file))).length))
    expect(Math.min(...sizes)).toBeGreaterThan('nonsense'.length)
  })

  test('an archive is exported and imported', async () => {
    const cell = await startCell()
    await post(cell, '/api/policy', { src: basic })
    await post(cell, '/api/batch', [{ inserts: [fact('has_role(User:ana, String:reader, Repo:r1)')] }])
    await published(cell)
    const first = await startFallback(storeOf(cell))
    await until(async () => (await post(first, '/api/authorize', anaReads, fallbackToken)).body.allowed === true)
    const directory = await temporaryDirectory()
    const file = join(directory, 'demo.tar')
    const environment = { ...identity, ARCTOS_STORE: storeOf(cell), OSO_DIRECTORY: directory, OSO_PORT: '0' }
    const exported = await arctos(['fallback', '--export', file], environment)
    expect([exported.code, exported.out]).toEqual([0, `exported to ${file}\n`])
    await cell.end('SIGKILL')
    await first.end()
    await rm(join(cell.directory, 'objects'), { recursive: true })

    const fallback = await startFallback(storeOf(cell), { args: ['--import', file] })
    await until(async () => (await post(fallback, '/api/authorize', anaReads, fallbackToken)).status === 200)
    expect((await post(fallback, '/api/authorize', anaReads, fallbackToken)).body.allowed).toBe(true)

    await copyFile(file, `${file}.cut`)
    await writeFile(`${file}.cut`, 'no archive')
    const refused = await arctos(['fallback', '--import', `${file}.cut`], { ...environment, OSO_DIRECTORY: await temporaryDirectory() })
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('cannot be imported')])
    const nothing = await arctos(['fallback', '--export', file], { ...environment, OSO_DIRECTORY: await temporaryDirectory() })
    expect([nothing.code, nothing.err]).toEqual([1, expect.stringContaining('nothing can be exported')])
  })

  test('says what it was not told', async () => {
    const none = await arctos(['fallback'], { OSO_PORT: '0' })
    expect([none.code, none.err.trim()]).toEqual([1, 'a fallback needs `OSO_API_TOKEN`, `OSO_ENVIRONMENT`, `OSO_TENANT`'])
    const one = await arctos(['fallback'], { ...identity, OSO_TENANT: '', OSO_PORT: '0' })
    expect([one.code, one.err.trim()]).toEqual([1, 'a fallback needs `OSO_TENANT`'])
    const other = await arctos(['fallback'], { ...identity, OSO_ENVIRONMENT: 'other', OSO_PORT: '0' })
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('is a key of environment')])
    const store = await arctos(['fallback'], { ...identity, OSO_PORT: '0', OSO_DIRECTORY: await temporaryDirectory() })
    expect([store.code, store.err]).toEqual([1, expect.stringContaining('ARCTOS_STORE')])
  })
})
