/** What Node makes of the modules is kept in the data directory, and nothing rests on it. */
import { existsSync } from 'node:fs'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { get, startServer } from './support/process.ts'

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

test('a start without it, with it, and over what is damaged', async () => {
  const first = await startServer()
  const { directory } = first
  await first.end()
  const folder = join(directory, 'compiled')
  const kept = await filesBelow(folder)
  expect(kept.length).toBeGreaterThan(100)

  const second = await startServer({ directory })
  expect((await get(second, '/api/facts')).status).toBe(200)
  await second.end()
  expect(await filesBelow(folder)).toEqual(expect.arrayContaining(kept))

  for (const file of kept) await writeFile(file, 'nonsense')
  const third = await startServer({ directory })
  expect((await get(third, '/api/facts')).status).toBe(200)
  await third.end()

  await rm(folder, { recursive: true })
  await writeFile(folder, 'where a folder should be')
  const fourth = await startServer({ directory })
  expect((await get(fourth, '/api/facts')).status).toBe(200)
  await fourth.end()
})

test('it is there for a start after a kill', async () => {
  const server = await startServer()
  await server.end('SIGKILL')
  expect((await filesBelow(join(server.directory, 'compiled'))).length).toBeGreaterThan(50)
})

test('an operator turns it off', async () => {
  const server = await startServer({ settings: { NODE_DISABLE_COMPILE_CACHE: '1' } })
  expect((await get(server, '/api/facts')).status).toBe(200)
  await server.end()
  expect(existsSync(join(server.directory, 'compiled'))).toBe(false)
})
