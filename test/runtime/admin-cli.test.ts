/** `env`, `key`, `snapshot`, `restore` and `verify` against real processes. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { adminHash, adminKey } from './support/admin.ts'
import { basic } from './support/policies.ts'
import { arctos, type Finished, get, post, type ServerProcess, startServer, temporaryDirectory } from './support/process.ts'
import { readerOf } from './support/roles.ts'

const withAdmin = async (more: Readonly<Record<string, string>> = {}, directory?: string): Promise<ServerProcess> =>
  startServer({ settings: { ARCTOS_ADMIN_KEY: adminHash, ...more }, ...(directory !== undefined && { directory }) })

const admin =
  (server: ServerProcess) =>
  async (...args: readonly string[]): Promise<Finished> =>
    arctos(args, { OSO_URL: server.url, OSO_AUTH: adminKey })

const keyIn = ({ out }: Finished): string => /^key: {2}(\S+)$/m.exec(out)?.[1] ?? ''

const revisionOf = async (server: ServerProcess, key: string): Promise<number> =>
  Number(/:(\d+)$/.exec((await get(server, '/api/stats', key)).headers.get('Arctos-Revision') ?? '')?.[1])

const insert = async (server: ServerProcess, key: string, user: string): Promise<void> => {
  expect((await post(server, '/api/facts', readerOf(user, 'r1'), key)).status).toBe(200)
}

describe('environments and keys', () => {
  test('made, used, listed, revoked, deleted', async () => {
    const server = await withAdmin()
    const run = admin(server)
    const created = await run('env', 'create', 'blue')
    expect(created).toMatchObject({ code: 0, err: '' })
    expect(created.out).toMatch(/^environment blue is there, in partition \d+\n$/)
    const key = keyIn(await run('key', 'create', 'blue'))
    const reader = keyIn(await run('key', 'create', 'blue', '--read-only'))
    expect((await post(server, '/api/policy', { src: basic }, key)).status).toBe(200)
    await insert(server, key, 'ana')
    expect((await post(server, '/api/clear_data', {}, reader)).status).toBe(403)
    const listed = await run('env', 'list')
    expect(listed.out).toMatch(/^blue {2}partition=\d+ {2}revision=\d+ {2}facts=1 {2}keys=2$/m)
    expect(listed.out).not.toContain('control')
    const keys = await run('key', 'list', 'blue')
    const [, , tokenId = '', secret = ''] = reader.split('_')
    expect(keys.out).toContain(`blue ${tokenId} read-only\n`)
    expect(keys.out).not.toContain(secret)
    expect(await run('key', 'revoke', 'blue', tokenId)).toMatchObject({ code: 0, out: `key \`${tokenId}\` is revoked\n` })
    expect((await get(server, '/api/stats', reader)).status).toBe(401)
    const refused = await run('env', 'delete', 'blue')
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toContain('--confirm')
    expect(await run('env', 'delete', 'blue', '--confirm')).toMatchObject({ code: 0, out: 'environment `blue` is deleted\n' })
    expect((await get(server, '/api/stats', key)).status).toBe(401)
    const again = await run('env', 'create', 'blue')
    expect(again).toMatchObject({ code: 1, err: 'environment `blue` was deleted, and ids are never used again: choose another one\n' })
  }, 60_000)

  test('they are there after a restart, without a key file in production', async () => {
    const directory = await temporaryDirectory()
    const first = await withAdmin({ ARCTOS_MODE: 'production' }, directory)
    await admin(first)('env', 'create', 'blue')
    const key = keyIn(await admin(first)('key', 'create', 'blue'))
    await insertPolicy(first, key)
    expect(await first.end()).toBe(0)
    // Now there are keys, so the admin key is not needed any more.
    const second = await startServer({ directory, args: [], settings: { ARCTOS_MODE: 'production' } })
    expect((await get(second, '/api/policy', key)).body.policy.src).toBe(basic)
    expect((await get(second, '/v1/admin/keys', adminKey)).status).toBe(404)
    expect(second.text.err).not.toContain(key.split('_')[3])
  }, 60_000)

  test('mistakes are told in one line', async () => {
    const server = await withAdmin()
    const run = admin(server)
    const wrong = await arctos(['env', 'list'], { OSO_URL: server.url, OSO_AUTH: 'a_wrongadminkey0123456789' })
    expect(wrong).toMatchObject({ code: 1, out: '', err: 'this is not the admin key\n' })
    expect((await arctos(['env', 'list'], { OSO_URL: server.url })).err).toContain('OSO_AUTH is not set: it holds the admin key')
    expect((await arctos(['key', 'create', 'x'], {})).err).toContain('OSO_AUTH is not set: it holds the admin key')
    expect((await run('env', 'create', 'a_b')).err).toContain('`a_b` is no environment id')
    expect((await run('env', 'create', 'x', '--partition', '-1')).err).toBe('--partition must be a whole number, found `-1`\n')
    expect((await run('key', 'create', 'nowhere')).err).toBe('there is no environment `nowhere`\n')
    expect((await run('key', 'revoke', '0123456789', 'nothing')).err).toBe('environment `0123456789` has no key `nothing`\n')
    expect((await run('snapshot', 'nowhere')).err).toBe('there is no environment `nowhere`\n')
    expect((await run('restore', 'x', '--to', 'yesterday')).err).toBe('--to must be a whole number, found `yesterday`\n')
    expect((await run('restore', 'x')).code).toBe(1)
    for (const args of [
      ['env', 'create', 'a_b'],
      ['restore', 'control', '--to', '1'],
      ['env', 'delete', '0123456789', '--confirm'],
    ])
      expect(await run(...args)).toMatchObject({ code: 1, out: '' })
  }, 60_000)

  test('key generate --admin: the server takes the hash', async () => {
    const generated = await arctos(['key', 'generate', '--admin'])
    expect(generated).toMatchObject({ code: 0, err: '' })
    const hash = /^hash: (sha256:[0-9a-f]{64})$/m.exec(generated.out)?.[1] ?? ''
    const server = await startServer({ settings: { ARCTOS_ADMIN_KEY: hash } })
    expect((await get(server, '/v1/status', keyIn(generated))).status).toBe(200)
    expect((await get(server, '/v1/status', adminKey)).status).toBe(401)
    expect(server.text.err).not.toContain(hash.slice(7))
    expect((await arctos(['key', 'generate', 'control'])).code).toBe(1)
    expect((await arctos(['key', 'generate', '--admin', '--read-only'])).code).toBe(1)
  }, 60_000)
})

const insertPolicy = async (server: ServerProcess, key: string): Promise<void> => {
  expect((await post(server, '/api/policy', { src: basic }, key)).status).toBe(200)
}

describe('snapshots', () => {
  test('published, verified, restored', async () => {
    const server = await withAdmin()
    const run = admin(server)
    await run('env', 'create', 'blue')
    const key = keyIn(await run('key', 'create', 'blue'))
    await insertPolicy(server, key)
    await insert(server, key, 'ana')
    const before = await revisionOf(server, key)
    expect((await run('snapshot', 'blue')).out).toMatch(/^published blue\/snapshots\/\S+, revision \d+\n$/)
    await insert(server, key, 'bob')
    expect((await run('snapshot', 'blue')).code).toBe(0)
    expect((await run('snapshot', 'control')).code).toBe(0)
    const verified = await arctos(['verify', '--directory', server.directory])
    expect(verified).toMatchObject({ code: 0, err: '' })
    expect(verified.out).toMatch(/^blue: good up to \d+, \d+ snapshots?, \d+ deltas?$/m)
    expect(verified.out).toMatch(/^control: good up to /m)
    const restored = await run('restore', 'blue', '--to', String(before))
    expect(restored).toMatchObject({ code: 0, err: '' })
    expect(restored.out).toContain(`environment blue is what it was at revision ${before}, since revision `)
    expect((await get(server, '/api/stats', key)).body.facts.total).toBe(1)
    expect(await revisionOf(server, key)).toBeGreaterThan(before)
    await insert(server, key, 'eve')
    expect((await get(server, '/api/stats', key)).body.facts.total).toBe(2)
    expect((await run('restore', 'blue', '--to', '999999')).code).toBe(1)
    expect((await get(server, '/api/stats', key)).body.facts.total).toBe(2)
  }, 90_000)

  test('verify finds what was damaged, and what is missing', async () => {
    const server = await withAdmin()
    const run = admin(server)
    await run('env', 'create', 'blue')
    const key = keyIn(await run('key', 'create', 'blue'))
    await insertPolicy(server, key)
    expect((await run('snapshot', 'blue')).code).toBe(0)
    await insert(server, key, 'ana')
    expect((await run('snapshot', 'blue')).code).toBe(0)
    await server.end()
    const objects = join(server.directory, 'objects')
    const folder = join(objects, 'blue', 'snapshots')
    const verify = async (...args: readonly string[]): Promise<Finished> => arctos(['verify', ...args], { ARCTOS_STORE: `file:${objects}` })
    expect((await verify('blue')).code).toBe(0)
    const names = await readdir(folder)
    const damaged = join(folder, names[0] ?? '')
    const bytes = await readFile(damaged)
    await writeFile(damaged, bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1))
    const found = await verify('blue')
    expect(found.code).toBe(1)
    expect(found.out).toMatch(/^blue: damaged: `blue\/snapshots\/\S+`: /m)
    expect(found.err).toMatch(/^\d+ findings?$/m)
    expect((await verify()).out).toMatch(/^control: good/m)
    expect((await verify('nowhere')).out).toContain('nowhere: there is no manifest in')
    await writeFile(join(objects, 'blue', 'manifest.json'), '{"format":99}')
    expect((await verify('blue')).out).toMatch(/^blue: format: .*newer version/m)
    expect((await verify('no_id')).err).toBe('`no_id` is no environment id\n')
    expect((await verify('--store', 'ftp://x')).err).toContain('the store must be `file:<folder>`')
    expect((await verify('--store', `file:${await temporaryDirectory()}`)).err).toContain('has no manifest of any environment')
    expect((await verify('--store', 'file:/nowhere/at/all')).code).toBe(1)
  }, 90_000)
})
