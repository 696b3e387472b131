/** The platform of Node, and that it and the one of web standards read what the other wrote. */
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { expect, test } from 'vitest'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { collected, parts, platformConformance, sample } from './platform-conformance.ts'

platformConformance('Node', nodeSnapshotPlatform)

test('each reads what the other wrote', async () => {
  const platforms = [nodeSnapshotPlatform(() => undefined), webSnapshotPlatform(() => undefined)]
  const bytes = sample(300_000)
  for (const writer of platforms) {
    const packed = await writer.gzip(bytes)
    for (const reader of platforms) expect(await collected(reader.gunzip(parts(packed, 1000)))).toEqual(bytes)
  }
})

test.runIf(process.platform === 'linux')('whatever compresses gives way to what answers', async () => {
  // Other tests of this process may have made threads that give way by themselves.
  const before = threadsOfProcess().filter(({ name }) => name !== 'libuv-worker')
  await nodeSnapshotPlatform(() => {}).gzip(new Uint8Array(10))
  const after = threadsOfProcess()
  const pool = after.filter(({ name }) => name === 'libuv-worker')
  expect(pool.length).toBeGreaterThan(0)
  const usual = getPriority(process.pid)
  expect(pool.every(({ niceness }) => niceness > usual)).toBe(true)
  const left = before.filter(({ id }) => after.some((thread) => thread.id === id))
  expect(left).toContainEqual(expect.objectContaining({ id: process.pid, niceness: usual }))
  expect(after.filter(({ id }) => left.some((thread) => thread.id === id))).toEqual(left)
})

const threadsOfProcess = (): { readonly id: number; readonly name: string; readonly niceness: number }[] =>
  readdirSync('/proc/self/task').map((id) => ({
    id: Number(id),
    name: readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim(),
    niceness: getPriority(Number(id)),
  }))
