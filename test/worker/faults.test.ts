/** The Worker with broken objects, little memory and revoked keys. */
import { describe, expect, test } from 'vitest'
import { manifestKey } from '../../snapshots/manifest.ts'
import { largestWorkerImage, workerShare } from '../../snapshots/worker-memory.ts'
import { at } from '../../src/base/assert.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { askAdmin, createEnvironment, createKey } from '../runtime/support/admin.ts'
import { fact } from '../runtime/support/harness.ts'
import { basic } from '../runtime/support/policies.ts'
import { anaReads, anaRole, bytesOf, manifestIn, newestSnapshot, putManifest, startWorkerEdge, until } from './support.ts'

const bobReads = 'User:bob read Repo:r1'
const bobRole = 'has_role(User:bob, String:reader, Repo:r1)'

describe('broken objects', () => {
  const broken: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
    ['changed', (bytes) => bytes.map((byte, index) => (index === bytes.length >> 1 ? byte ^ 255 : byte))],
    ['cut off', (bytes) => bytes.slice(0, bytes.length - 100)],
    ['too long', (bytes) => new Uint8Array([...bytes, ...new Uint8Array(100)])],
    ['nonsense', (bytes) => new Uint8Array(bytes.length)],
  ]

  test.each(broken)('a snapshot that is %s is never served: what is older and intact is, with the deltas behind it', async (_, change) => {
    const { worker, cell, publish, ask } = await startWorkerEdge()
    await cell.facts(anaRole)
    await publish()
    const key = await newestSnapshot(worker)
    await worker.bucket.put(key, change(await bytesOf(worker.bucket, key)))
    const { status, body } = await ask.authorize(anaReads)
    expect([status, body.allowed]).toEqual([200, true])
    const lines = await worker.lines()
    expect(lines.filter(({ msg, key: of }) => msg === 'load-refused' && of === key)).not.toEqual([])
  })

  test.each(broken)('a delta that is %s is never applied: what is loaded answers until a snapshot stands for it', async (_, change) => {
    const { worker, cell, publish, ask, metric } = await startWorkerEdge()
    expect((await ask.authorize(anaReads)).body.allowed).toBe(false)
    const [advanced, swapped] = ['advanced', 'swapped'].map((outcome) => `arctos_edge_looks{outcome="${outcome}"}`)
    const before = [await metric(advanced ?? ''), await metric(swapped ?? '')]
    // Without requests it does not look: what is published now is damaged before anybody reads it.
    await cell.facts(anaRole)
    await publish()
    const { deltas } = await manifestIn(worker.bucket)
    expect(deltas).not.toEqual([])
    for (const { key } of deltas) await worker.bucket.put(key, change(await bytesOf(worker.bucket, key)))
    await until(async () => {
      const { status, body } = await ask.authorize(anaReads)
      expect(status).toBe(200)
      return body.allowed
    })
    const refused = (await worker.lines()).flatMap(({ msg, key: of }) => (msg === 'load-refused' ? [of] : []))
    expect(deltas.map(({ key }) => key)).toEqual(expect.arrayContaining(refused))
    expect(refused.length).toBeGreaterThan(0)
    expect([await metric(advanced ?? ''), await metric(swapped ?? '')]).toEqual([before[0], (before[1] ?? 0) + 1])
  })

  test.each(broken)(
    'a snapshot that is %s and has to take the place of what answers: that goes on until it is mended',
    async (_, change) => {
      const { worker, cell, publish, ask, metric, replicator } = await startWorkerEdge()
      const { revision } = at((await manifestIn(worker.bucket)).snapshots, 0)
      await cell.facts(anaRole)
      await publish()
      expect(await ask.allowed(anaReads)).toBe(true)
      const swapped = 'arctos_edge_looks{outcome="swapped"}'
      const before = await metric(swapped)
      // No delta leads over a restore. Without requests it does not look: the snapshot is damaged before anybody reads it.
      await replicator.restore(developmentEnvironment, revision)
      await publish()
      const manifest = await manifestIn(worker.bucket)
      const { key } = at(manifest.snapshots, 0)
      const whole = await bytesOf(worker.bucket, key)
      await worker.bucket.put(key, change(whole))
      const refusals = async () => (await worker.lines()).filter(({ msg, key: of }) => msg === 'load-refused' && of === key).length
      await until(async () => {
        expect(await ask.allowed(anaReads)).toBe(true)
        return (await refusals()) > 0
      })
      const refused = 'arctos_edge_looks{outcome="refused"}'
      const already = await metric(refused)
      await until(async () => {
        expect(await ask.allowed(anaReads)).toBe(true)
        return (await metric(refused)) >= already + 5
      })
      // What is known to be broken is not loaded again with each look.
      expect([await metric(swapped), await refusals()]).toEqual([before, 1])
      await worker.bucket.put(key, whole)
      await putManifest(worker.bucket, { ...manifest, createdAtMs: manifest.createdAtMs + 1 })
      await until(async () => !(await ask.allowed(anaReads)))
      expect(await metric(swapped)).toBe(before + 1)
    },
  )

  test('with none that is intact it is 503, and the isolate goes on', async () => {
    const { worker, cell, publish, ask } = await startWorkerEdge()
    await cell.facts(anaRole)
    await publish()
    const { snapshots } = await manifestIn(worker.bucket)
    const whole = await Promise.all(snapshots.map(async ({ key }) => [key, await bytesOf(worker.bucket, key)] as const))
    for (const [key] of whole) await worker.bucket.put(key, new Uint8Array(10))
    expect((await ask.authorize(anaReads)).status).toBe(503)
    await cell.facts(bobRole)
    await publish()
    await until(async () => (await ask.authorize(bobReads)).body.allowed)
  })

  test('manifests: nonsense, another environment’s, one that goes backwards, none at all: what is loaded stays', async () => {
    const { worker, cell, publish, ask } = await startWorkerEdge()
    const key = manifestKey(developmentEnvironment)
    const older = await bytesOf(worker.bucket, key)
    await cell.facts(anaRole)
    await publish()
    expect((await ask.authorize(anaReads)).body.allowed).toBe(true)
    const newer = await bytesOf(worker.bucket, key)
    const text = new TextDecoder().decode(newer)
    const foreign = new TextEncoder().encode(text.replace(/"logId":"[^"]+"/, '"logId":"00000000-0000-4000-8000-000000000000"'))
    for (const [reason, bytes] of [
      ['no JSON', new TextEncoder().encode('{')],
      ['covers', older],
      ['belongs to log', foreign],
      ['no such object', null],
    ] as const) {
      await (bytes === null ? worker.bucket.delete(key) : worker.bucket.put(key, bytes))
      await until(async () => {
        expect((await ask.authorize(anaReads)).body.allowed).toBe(true)
        return (await worker.lines()).some(({ msg, reason: told }) => msg === 'follow-refused' && String(told).includes(reason))
      })
    }
    await worker.bucket.put(key, newer)
    await cell.facts(bobRole)
    await publish()
    await until(async () => (await ask.authorize(bobReads)).body.allowed)
  })

  test('an announced image that unpacks to more than it says is refused before it fills the memory', async () => {
    const { worker, ask } = await startWorkerEdge()
    const manifest = await manifestIn(worker.bucket)
    const small = manifest.snapshots.map((entry) => ({ ...entry, rawBytes: 1000, chunks: entry.chunks.slice(0, 1) }))
    await putManifest(worker.bucket, { ...manifest, snapshots: small })
    expect((await ask.authorize(anaReads)).status).toBe(503)
    expect((await worker.lines()).filter(({ msg }) => msg === 'load-refused')).not.toEqual([])
  })
})

describe('memory', () => {
  const long = (from: number, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `has_role(User:${`u${from + index}`.padEnd(380, 'x')}, String:reader, Repo:r1)`)

  test('an environment of which two do not fit is answered by the origin, which is said; without one it is 503', async () => {
    const settings = { ARCTOS_MEMORY_MIB: '32' }
    const { cell, publish, ask, origin, worker } = await startWorkerEdge({ origin: true, settings })
    await cell.facts(anaRole, ...long(0, 6000))
    await cell.facts(...long(6000, 6000))
    await cell.facts(...long(12_000, 6000))
    await publish()
    expect((await manifestIn(worker.bucket)).snapshots[0]?.rawBytes).toBeGreaterThan(largestWorkerImage(32))
    const { status, body, headers } = await ask.authorize(anaReads)
    expect([status, body.allowed, headers.get('arctos-served-by')]).toEqual([200, true, 'origin; because=memory'])
    const expectRefusal = async () => {
      const refused = await ask.authorize(anaReads)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    }
    origin.down = true
    await expectRefusal()
    origin.down = false
    await origin.unplug()
    await expectRefusal()
    expect((await ask.get('/livez')).status).toBe(200)
  })

  test('one that grows past the bound stays what it was, and the origin answers; the isolate lives', async () => {
    const { cell, publish, ask, worker } = await startWorkerEdge({ origin: true, settings: { ARCTOS_MEMORY_MIB: '32' } })
    await cell.facts(anaRole)
    await publish()
    expect((await ask.authorize(anaReads)).headers.get('arctos-served-by')).toBe(null)
    await cell.facts(bobRole)
    const isElsewhere = async () => (await ask.authorize(bobReads)).headers.get('arctos-served-by') === 'origin; because=memory'
    for (let from = 0; from < 60_000 && !(await isElsewhere()); from += 5000) {
      await cell.facts(...long(from, 5000))
      await publish()
    }
    await until(isElsewhere)
    expect((await ask.authorize(bobReads)).body.allowed).toBe(true)
    const { text } = await ask.get('/metrics')
    expect(Number(/^arctos_wasm_bytes (\d+)/m.exec(text)?.[1])).toBeLessThanOrEqual(32 * 1024 * 1024)
    expect((await worker.lines()).some(({ msg }) => msg === 'bug' || msg === 'failed')).toBe(false)
  })

  test('a question that is too large goes to the origin, and takes no memory that the next image needs', async () => {
    const { cell, publish, ask, worker, metric } = await startWorkerEdge({ origin: true, settings: { ARCTOS_MEMORY_MIB: '32' } })
    await cell.policy(`${basic}
      peer(one: User, other: User) if repo matches Repo and has_role(one, "reader", repo) and has_role(other, "reader", repo);
      far(one: User, other: User) if peer(one, other);
      far(one: User, other: User) if between matches User and far(one, between) and peer(between, other);`)
    await cell.facts(anaRole, ...long(0, 8000))
    await publish()
    await until(async () => (await ask.authorize(anaReads)).body.allowed)
    const everyone = { type: 'User', ids: null }
    const large = { predicate: ['far', ['one', 'other']], calls: [], constraints: { one: everyone, other: everyone } }
    for (let round = 0; round < 3; round++) {
      const { status, headers } = await ask.post('/api/evaluate_query', large)
      expect([status, headers.get('arctos-served-by')]).toEqual([400, 'origin; because=memory'])
      expect((await ask.authorize(anaReads)).headers.get('arctos-served-by')).toBe(null)
    }
    // The database of the keys is small.
    const wasm = await metric('arctos_wasm_bytes')
    expect(wasm).toBeGreaterThan(12e6)
    expect(wasm).toBeLessThanOrEqual(workerShare(32) + 2 ** 21)
    await cell.facts(bobRole)
    await publish()
    await until(async () => (await ask.authorize(bobReads)).body.allowed)
    expect((await ask.authorize(bobReads)).headers.get('arctos-served-by')).toBe(null)
    expect((await worker.lines()).some(({ msg }) => msg === 'bug' || msg === 'failed')).toBe(false)
  })

  test('several environments take turns: the one that was asked for the longest ago goes, and comes back when it is asked for', async () => {
    const { worker, cell, publish, ask } = await startWorkerEdge({ settings: { ARCTOS_MEMORY_MIB: '32' } })
    const keys = new Map<string, string>()
    for (const id of ['e1', 'e2', 'e3', 'e4', 'e5']) {
      await createEnvironment(cell, id)
      const { key } = await createKey(cell, id)
      await cell.policy(basic, { key })
      // Three of them fit.
      expect((await cell.post('/api/batch', [{ inserts: long(0, 8000).map(fact) }], { key })).status).toBe(200)
      keys.set(id, key)
    }
    await publish()
    const used: string[] = []
    let told = 0
    const wasDropped = new Set<string>()
    const cameBack = new Set<string>()
    // In turns, and with one that is asked for again and again.
    for (const id of ['e1', 'e2', 'e1', 'e3', 'e1', 'e4', 'e1', 'e5', 'e1', 'e2', 'e3', 'e4', 'e5', 'e1', 'e2', 'e3', 'e4', 'e5']) {
      const { status, text } = await ask.get('/api/stats', { key: keys.get(id) ?? '' })
      expect([status, text]).toEqual([200, expect.stringContaining('versions')])
      if (used.includes(id)) used.splice(used.indexOf(id), 1)
      else if (wasDropped.has(id)) cameBack.add(id)
      used.push(id)
      const dropped = (await worker.lines()).flatMap(({ msg, environment }) => (msg === 'environment-dropped' ? [environment] : []))
      expect(dropped.slice(told)).toEqual(used.slice(0, dropped.length - told))
      for (const gone of used.splice(0, dropped.length - told)) wasDropped.add(gone)
      told = dropped.length
      expect(used).toContain(id)
    }
    expect([...cameBack].toSorted()).toEqual([...keys.keys()])
    const { text } = await ask.get('/metrics')
    expect(Number(/^arctos_wasm_bytes (\d+)/m.exec(text)?.[1])).toBeLessThanOrEqual(32 * 1024 * 1024)
  })
})

describe('keys', () => {
  test('those of `control` open their environments, in production no others; a revoked one opens nothing soon after', async () => {
    const { cell, publish, ask } = await startWorkerEdge({ settings: { ARCTOS_MODE: 'production' } })
    await createEnvironment(cell, 'blue')
    const { key, tokenId } = await createKey(cell, 'blue')
    await cell.policy(basic, { key })
    await publish()
    expect((await ask.get('/api/stats', { key })).status).toBe(200)
    expect((await ask.get('/api/stats')).status).toBe(401)
    expect((await ask.get('/api/stats', { key: `${key}x` })).status).toBe(401)
    expect((await askAdmin(cell, 'DELETE /v1/admin/keys', { environment: 'blue', token_id: tokenId })).status).toBe(200)
    await publish()
    await until(async () => (await ask.get('/api/stats', { key })).status === 401)
  })

  test('after a pause in which nobody asked, keys are looked after before the first answer', async () => {
    const settings = { ARCTOS_MODE: 'production', ARCTOS_REFRESH_MS: '3600000', ARCTOS_READY_STALENESS_MS: '300' }
    const { cell, publish, ask } = await startWorkerEdge({ settings })
    await createEnvironment(cell, 'blue')
    const { key, tokenId } = await createKey(cell, 'blue')
    await cell.policy(basic, { key })
    await publish()
    expect((await ask.get('/api/stats', { key })).status).toBe(200)
    await askAdmin(cell, 'DELETE /v1/admin/keys', { environment: 'blue', token_id: tokenId })
    await publish()
    await new Promise((resolve) => {
      setTimeout(resolve, 400)
    })
    expect((await ask.get('/api/stats', { key })).status).toBe(401)
  })
})
