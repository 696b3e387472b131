/** How the processes of a cell start: in any order, with what is stored while the replicator is down, and not at all where the settings are wrong. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { placeFetch } from '../../runtime/node/unix-fetch.ts'
import { httpObjectStore } from '../../snapshots/http-store.ts'
import { readManifest } from '../../snapshots/load-manifest.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { at, known } from '../../src/base/assert.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { environmentsShape, parseInner } from '../../src/wire/inner.ts'
import {
  eventually,
  grant,
  mayRead,
  type ReplicatorProcess,
  socketIn,
  startCell,
  startReplicator,
  startUnready,
} from './support/cell-process.ts'
import { arctos, get, startServer, temporaryDirectory } from './support/process.ts'

/** Publishes at once, and trims what that covers. */
const eager = { ARCTOS_SNAPSHOT_RECORDS: '5', ARCTOS_SNAPSHOT_INTERVAL_MS: '100', ARCTOS_DELTA_INTERVAL_MS: '20' }

/** Asks a replicator as operators do. */
const ask = async ({ place }: Pick<ReplicatorProcess, 'place'>, path: string, secret?: string) => {
  const { url, fetch, close } = placeFetch(
    place.startsWith('unix:') ? { kind: 'unix', path: place.slice(5) } : { kind: 'http', url: place },
  )
  const headers: Record<string, string> = secret === undefined ? {} : { authorization: `Bearer ${secret}` }
  const response = await fetch(url + path, { method: 'GET', headers, signal: AbortSignal.timeout(20_000) })
  const body = await response.text()
  close()
  return { status: response.status, body }
}

const boundsOf = async (replicator: Pick<ReplicatorProcess, 'place'>) => {
  const { environments } = parseInner(environmentsShape, (await ask(replicator, '/v1/environments')).body)
  return known(
    environments.find(({ env }) => env === developmentEnvironment),
    'the environment is there',
  )
}

const published = async (directory: string, revision: number): Promise<void> => {
  const objects = folderObjectStore(join(directory, 'objects'), { create: false })
  await eventually(
    async () => {
      const read = await readManifest({ objects, env: developmentEnvironment })
      return read === null || read === 'unchanged' ? -1 : read.manifest.coveredThrough
    },
    (covered) => covered >= revision,
  )
}

const revisionOf = (token: string | null): number => Number(known(token, 'a token').split(':')[1])

describe('without a replicator', () => {
  test('a runtime starts from what the cell has published, says how old that is, and follows when the replicator is there', async () => {
    const cell = await startCell(1, eager)
    const written = await grant(at(cell.runtimes, 0), 'before')
    const token = written.headers.get('osooffset')
    await published(cell.directory, revisionOf(token))
    await cell.replicator.end('SIGKILL')
    await at(cell.runtimes, 0).end('SIGKILL')
    const runtime = await cell.runtime()
    const read = await mayRead(runtime, 'before', token)
    expect(read.body).toEqual({ allowed: true })
    expect(read.headers.get('arctos-staleness-ms')).toBe('unknown')
    expect((await get(runtime, '/readyz')).status).toBe(503)
    const refused = await grant(runtime, 'during')
    expect({ status: refused.status, retry: refused.headers.get('retry-after') }).toEqual({ status: 503, retry: '1' })
    await cell.restart()
    await eventually(
      () => grant(runtime, 'after'),
      ({ status }) => status === 200,
    )
    await eventually(
      () => mayRead(runtime, 'after'),
      ({ body, headers }) => body.allowed && headers.get('arctos-staleness-ms') !== 'unknown',
    )
    await eventually(
      () => get(runtime, '/readyz'),
      ({ status }) => status === 200,
    )
  })

  test('a runtime of a new cell is alive and not ready until its replicator comes', async () => {
    const directory = await temporaryDirectory()
    const runtime = await startUnready({ OSO_DIRECTORY: directory, ARCTOS_REPLICATOR: `unix:${socketIn(directory)}` })
    expect((await get(runtime, '/readyz')).status).toBe(503)
    expect((await mayRead(runtime, 'r')).status).toBe(503)
    const replicator = await startReplicator(directory)
    await eventually(
      () => get(runtime, '/readyz'),
      ({ status }) => status === 200,
    )
    // There is no policy yet.
    expect((await grant(runtime, 'r')).status).toBe(400)
    expect((await ask(replicator, '/metrics')).body).toContain('arctos_replicator_runtimes 1')
  })

  test('from a shared store, when the data directory holds nothing', async () => {
    const shared = await temporaryDirectory()
    const store = { ARCTOS_STORE: `file:${shared}` }
    const cell = await startCell(1, { ...eager, ...store })
    const token = (await grant(at(cell.runtimes, 0), 'before')).headers.get('osooffset')
    const objects = folderObjectStore(shared, { create: false })
    for (const env of [developmentEnvironment, 'control']) {
      await eventually(
        async () => readManifest({ objects, env }),
        (read) => read !== null && read !== 'unchanged' && (env === 'control' || read.manifest.coveredThrough >= revisionOf(token)),
      )
    }
    await cell.replicator.end('SIGKILL')
    const runtime = await startServer({ settings: { ...store, ARCTOS_REPLICATOR: `unix:${socketIn(cell.directory)}` } })
    expect((await mayRead(runtime, 'before', token)).body).toEqual({ allowed: true })
  })
})

test('a replicator whose log was trimmed starts from its snapshot, and a runtime that fell behind takes one', async () => {
  const cell = await startCell(2, eager)
  const [first, second] = [at(cell.runtimes, 0), at(cell.runtimes, 1)]
  second.child.kill('SIGSTOP')
  const settings = { ARCTOS_APPLIED_WAIT_MS: '0' }
  try {
    let written = 0
    await eventually(
      async () => {
        for (let index = 0; index < 5; index++) await grant(first, `r${written++}`)
        return boundsOf(cell.replicator)
      },
      ({ first: oldest }) => oldest > 12,
      50_000,
    )
    await cell.replicator.end('SIGKILL')
    await cell.restart(settings)
    expect((await boundsOf(cell.replicator)).first).toBeGreaterThan(12)
  } finally {
    second.child.kill('SIGCONT')
  }
  const last = await eventually(
    () => grant(first, 'last'),
    ({ status }) => status === 200,
  )
  for (const server of [first, second, await cell.runtime()]) {
    for (const repo of ['r0', 'last']) {
      const read = await eventually(
        () => mayRead(server, repo, last.headers.get('osooffset')),
        ({ status }) => status === 200,
      )
      expect(read.body).toEqual({ allowed: true })
    }
  }
  expect(second.text.err).toContain('replica-replaced')
})

describe('the secret', () => {
  const secret = { ARCTOS_SECRET: 'of-this-cell' }

  test('lets runtimes in, over TCP too; others are told apart and come in with the right one', async () => {
    const directory = await temporaryDirectory()
    const replicator = await startReplicator(directory, { ...secret, ARCTOS_REPLICATOR: 'http://127.0.0.1:0' })
    expect(replicator.place).toMatch(/^http:\/\/127\.0\.0\.1:\d{2,}$/)
    const place = { ARCTOS_REPLICATOR: replicator.place }
    const runtime = await startServer({ settings: { ...secret, ...place } })
    expect((await grant(runtime, 'r')).status).toBe(400)
    for (const path of ['/v1/status', '/v1/environments', '/objects/control/manifest.json']) {
      expect((await ask(replicator, path)).status).toBe(401)
      expect((await ask(replicator, path, 'another')).status).toBe(401)
    }
    expect((await ask(replicator, '/v1/status', 'of-this-cell')).status).toBe(200)
    expect((await ask(replicator, '/livez')).status).toBe(200)
    const other = await startUnready({ ...place, ARCTOS_SECRET: 'another' })
    await eventually(
      async () => other.text.err,
      (text) => text.includes('ARCTOS_SECRET must be the same on both sides'),
    )
    expect((await get(other, '/readyz')).status).toBe(503)
    expect(runtime.text.err + replicator.text.err + other.text.err).not.toContain('of-this-cell')
  })
})

describe('refusals to start: a clear message and exit code 1', () => {
  const refused = async (command: 'replicate' | 'serve', settings: Readonly<Record<string, string>>) => {
    const { code, err, out } = await arctos([command], { OSO_PORT: '0', OSO_DIRECTORY: await temporaryDirectory(), ...settings })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).not.toContain('    at ')
    return err
  }

  test('production without a secret, and a place that other machines reach', async () => {
    const production = { ARCTOS_MODE: 'production', ARCTOS_REPLICATOR: 'unix:/tmp/arctos-nowhere.sock' }
    for (const command of ['replicate', 'serve'] as const) {
      expect(await refused(command, production)).toContain('set ARCTOS_SECRET')
      expect(await refused(command, { ARCTOS_REPLICATOR: 'http://0.0.0.0:0' })).toContain('needs a secret')
    }
  })

  test('a place that another process uses, and one that cannot be used', async () => {
    const directory = await temporaryDirectory()
    const replicator = await startReplicator(directory)
    expect(await refused('replicate', { ARCTOS_REPLICATOR: replicator.place })).toContain('another process listens there')
    const path = join(await temporaryDirectory(), 'file')
    await writeFile(path, '')
    expect(await refused('replicate', { ARCTOS_REPLICATOR: `unix:${path}` })).toContain('no socket')
    expect(await refused('replicate', { ARCTOS_REPLICATOR: `unix:/tmp/${'x'.repeat(120)}` })).toContain('at most 107 bytes')
    expect(await refused('replicate', { ARCTOS_REPLICATOR: 'tcp:7000' })).toContain('ARCTOS_REPLICATOR must be')
  })

  test('a data directory that another replicator uses', async () => {
    const directory = await temporaryDirectory()
    await startReplicator(directory)
    const other = `unix:${join(await temporaryDirectory(), 's')}`
    expect(await refused('replicate', { OSO_DIRECTORY: directory, ARCTOS_REPLICATOR: other })).toContain('in use by another process')
  })

  test('a data directory that cannot be written', async () => {
    const file = join(await temporaryDirectory(), 'file')
    await writeFile(file, '')
    expect(await refused('replicate', { OSO_DIRECTORY: join(file, 'data') })).toContain('cannot be written')
  })
})

test('the objects of the cell are served, each with its version', async () => {
  const cell = await startCell(1, { ...eager, ARCTOS_SECRET: 'of-this-cell', ARCTOS_REPLICATOR: 'http://127.0.0.1:0' })
  const token = (await grant(at(cell.runtimes, 0), 'r')).headers.get('osooffset')
  await published(cell.directory, revisionOf(token))
  const url = `${cell.replicator.place}/objects`
  const objects = httpObjectStore({ url, secret: 'of-this-cell' })
  const read = await readManifest({ objects, env: developmentEnvironment })
  if (read === null || read === 'unchanged') throw new Error('the manifest is there')
  const key = at(read.manifest.snapshots, 0).key
  const found = await objects.get(key)
  expect(found).toMatchObject({ sizeBytes: at(read.manifest.snapshots, 0).storedBytes })
  expect(await objects.get(key, { unless: known(typeof found === 'object' ? found : null, 'it is there').version })).toBe('unchanged')
  expect(await objects.get('control/none.json')).toBeNull()
  await mkdir(join(cell.directory, 'objects', 'x'), { recursive: true })
  const headers = { authorization: 'Bearer of-this-cell' }
  for (const path of ['x', '', '..%2f..%2flog.sqlite', '%2e%2e/log.sqlite', '%00', '%zz', '.lock/x']) {
    expect({ path, status: (await fetch(`${url}/${path}`, { headers })).status }).toEqual({ path, status: 404 })
  }
  expect((await fetch(`${url}/${key}`, { method: 'POST', headers })).status).toBe(404)
  expect((await fetch(`${url}/${key}`)).status).toBe(401)
  // A page in a browser of this machine.
  expect((await fetch(`${cell.replicator.place}/v1/status`, { headers: { ...headers, origin: 'http://evil.example' } })).status).toBe(401)
})
