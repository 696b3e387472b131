/** Faults of single environments and of a disk, on cells of real processes. */

import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Cluster, startCluster } from '../../scripts/cluster/cluster.ts'
import { Member } from '../../scripts/cluster/member.ts'
import { hashOf } from '../../scripts/cluster/secrets.ts'
import { freePorts } from '../../scripts/servers/free-ports.ts'
import { at, known } from '../../src/base/assert.ts'
import { AdminClient } from '../../src/client/admin-client.ts'
import { ArctosClient } from '../../src/client/client.ts'
import { eventually } from '../runtime/support/cell-process.ts'
import { basic } from '../runtime/support/policies.ts'
import { readerOf } from '../runtime/support/roles.ts'
import { makeDirectory, removeDirectory } from '../support/directory.ts'
import { openTestLog, testPlace } from '../support/kafka.ts'
import { clusterDirectory, serversAreHere } from './support.ts'

const areHere = await serversAreHere()
const directory = makeDirectory()
const cluster: Cluster | null = areHere ? await startCluster({ directory, cells: 2, fallback: false }) : null
afterAll(async () => {
  await cluster?.stop()
  removeDirectory(directory)
})

const there = (): Cluster => known(cluster, 'there is a cluster')

const admin = (cell = 0): AdminClient => new AdminClient({ url: at(there().cells, cell).url, key: there().adminKey })

/** A new environment with the policy `basic`, and its key. */
const environment = async (id: string): Promise<string> => {
  await admin().createEnvironment(id)
  const { key } = await admin().createKey(id, 'read-write')
  await new ArctosClient({ url: at(there().cells, 0).url, key }).savePolicy(basic, 'basic.polar')
  return key
}

const reader = (repo: string) => readerOf('ana', repo)

const send = async (url: string, key: string, path: string, body: unknown) => {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

const mayRead = async (url: string, key: string, repo: string) =>
  send(url, key, '/api/authorize', { actor_type: 'User', actor_id: 'ana', action: 'read', resource_type: 'Repo', resource_id: repo })

describe.skipIf(!areHere)('an environment', { timeout: 120_000 }, () => {
  test('that is deleted under load: right answers, then 401 in every cell, and no other environment notices', async () => {
    const [gone, stays] = [await environment('gone'), await environment('stays')]
    for (const key of [gone, stays])
      expect(await send(at(there().cells, 0).url, key, '/api/batch', [{ inserts: [reader('r')] }])).toMatchObject({ status: 200 })
    const load = { isOver: false, odd: [] as string[], answered: 0, refused: 0 }
    const ask = async (url: string, key: string): Promise<void> => {
      let wasRefused = false
      while (!load.isOver) {
        const isWrite = Math.random() < 0.3
        const { status, text } = isWrite ? await send(url, key, '/api/batch', [{ inserts: [reader('r')] }]) : await mayRead(url, key, 'r')
        if (status === 200 && !wasRefused && (isWrite || text === '{"allowed":true}')) load.answered++
        else if (status === 401 && key === gone) {
          wasRefused = true
          load.refused++
        } else load.odd.push(`${status} ${text}`)
      }
    }
    for (const { url } of there().cells)
      await eventually(
        () => mayRead(url, gone, 'r'),
        ({ text }) => text === '{"allowed":true}',
      )
    await eventually(
      () => mayRead(at(there().cells, 1).url, stays, 'r'),
      ({ text }) => text === '{"allowed":true}',
    )
    const asking = there().cells.flatMap(({ url }) => [ask(url, gone), ask(url, gone), ask(url, stays)])
    await eventually(
      async () => load.answered,
      (count) => count > 100,
    )
    await admin().deleteEnvironment('gone')
    for (const { url } of there().cells)
      await eventually(
        () => mayRead(url, gone, 'r'),
        ({ status }) => status === 401,
      )
    const { answered } = load
    // Requests that were under way when it went may be answered after many of the other one.
    await eventually(
      async () => load,
      ({ answered: count, refused }) => count > answered + 50 && refused > 0,
    )
    load.isOver = true
    await Promise.all(asking)
    expect(load.odd).toEqual([])
    expect(load.refused).toBeGreaterThan(0)
    expect((await admin(1).environments()).map(({ id }) => id)).not.toContain('gone')
    await expect(admin(1).createEnvironment('gone')).rejects.toMatchObject({ status: 409 })
  })

  test('whose policy this version cannot compile is 503, says so, and no other is; the next policy mends it', async () => {
    const [broken, whole] = [await environment('broken'), await environment('whole')]
    const { kafka } = there()
    // A newer version may accept what this one does not know: it is written past all checks.
    const log = await openTestLog(testPlace(kafka, { topicPrefix: 'arctos' }))
    const partition = known((await admin().environments()).find(({ id }) => id === 'broken')?.partition, 'a partition')
    log.assign('broken', partition)
    const body = { kind: 'policy', source: 'forall x in universe { rejoice }', filename: null } as const
    await log.append('broken', { format: 1, logId: log.logId, writeId: randomUUID(), appendedAtMs: Date.now(), body })
    for (const [index, { url }] of there().cells.entries()) {
      const refused = await eventually(
        () => mayRead(url, broken, 'r'),
        ({ status }) => status === 503,
      )
      expect(refused.text).toMatch(/policy/)
      expect((await mayRead(url, whole, 'r')).status).toBe(200)
      const told = (await admin(index).environments()).flatMap(({ id, problem }) => (problem === null ? [] : [id]))
      expect(told).toEqual(['broken'])
    }
    const [first] = there().cells
    await known(first, 'a cell').runtime.kill()
    await known(first, 'a cell').runtime.start()
    await known(first, 'a cell').runtime.serving(60_000)
    expect((await mayRead(known(first, 'a cell').url, broken, 'r')).status).toBe(503)
    expect((await mayRead(known(first, 'a cell').url, whole, 'r')).status).toBe(200)
    await new ArctosClient({ url: known(first, 'a cell').url, key: broken }).savePolicy(basic, 'basic.polar')
    for (const { url } of there().cells)
      await eventually(
        () => mayRead(url, broken, 'r'),
        ({ status }) => status === 200,
      )
  })
})

/** Whether this system lets its users mount file systems of their own. */
const mounts = areHere && spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=1m none /mnt']).status === 0
if (areHere && !mounts) console.warn('SKIPPED, no disk that fills up can be made here: `unshare -rm` does not work')

const main = fileURLToPath(new URL('../../runtime/cli/main.ts', import.meta.url))

/** A cell whose data directory is a file system of a few MiB that only its replicator sees. */
const startSmallDisk = async () => {
  const folder = clusterDirectory()
  const [port = 0, replicatorPort = 0] = await freePorts(2)
  const adminKey = `a_${'5'.repeat(48)}`
  const disk = join(folder, 'disk')
  const settings = {
    ARCTOS_MODE: 'production',
    ARCTOS_LOG: `kafka://${there().kafka.address}/small-${randomUUID()}`,
    ARCTOS_REPLICATOR: `http://127.0.0.1:${replicatorPort}`,
    ARCTOS_SECRET: 'a-secret-of-this-test',
    ARCTOS_ADMIN_KEY: hashOf(adminKey),
    ARCTOS_SNAPSHOT_INTERVAL_MS: '200',
    ARCTOS_DELTA_INTERVAL_MS: '100',
    OSO_DIRECTORY: disk,
    OSO_PORT: String(port),
  }
  const mount = `mkdir -p ${disk} && mount -t tmpfs -o size=4m none ${disk} && exec "$@"`
  const program = ['unshare', '-rm', 'sh', '-c', mount, 'sh', process.execPath, main]
  const replicator = new Member({ name: 'replicator', command: ['replicate'], program, settings, directory: folder })
  const runtime = new Member({
    name: 'runtime',
    command: ['serve'],
    settings: { ...settings, OSO_DIRECTORY: join(folder, 'runtime') },
    directory: folder,
  })
  onTestFinished(async () => void (await Promise.all([replicator.kill(), runtime.kill()])))
  for (const member of [replicator, runtime]) {
    await member.start()
    await member.serving(60_000)
  }
  // As the replicator sees it.
  return { replicator, url: `http://127.0.0.1:${port}`, adminKey, disk: `/proc/${replicator.pid}/root${disk}` }
}

/** Takes all the room there is; what somebody else takes meanwhile is missing at its end. */
const fill = (disk: string, filler: string): void => {
  const { bavail, bsize } = statfsSync(disk)
  try {
    writeFileSync(filler, Buffer.alloc(bavail * bsize))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}

test.skipIf(!mounts)(
  'a full disk of a replicator: reads and writes go on, it is told, and mended by room',
  { timeout: 120_000 },
  async () => {
    const { replicator, url, adminKey, disk } = await startSmallDisk()
    const own = new AdminClient({ url, key: adminKey })
    await own.createEnvironment('e')
    const { key } = await own.createKey('e', 'read-write')
    await new ArctosClient({ url, key }).savePolicy(basic, 'basic.polar')
    const filler = join(disk, 'filler')
    fill(disk, filler)
    for (let index = 0; index < 20; index++)
      expect(await send(url, key, '/api/batch', [{ inserts: [reader(`full${index}`)] }])).toMatchObject({ status: 200 })
    await eventually(
      async () => replicator.output,
      (output) => /publish-failed/.test(output) && /ENOSPC|no space|full/i.test(output),
    )
    expect((await mayRead(url, key, 'full19')).text).toBe('{"allowed":true}')
    await expect(own.snapshot('e')).rejects.toMatchObject({ status: 503 })
    expect(replicator.isRunning).toBe(true)
    rmSync(filler)
    const { covered_through: covered } = await eventually(
      () => own.snapshot('e'),
      () => true,
      60_000,
    )
    expect(covered).toBeGreaterThanOrEqual(21)
  },
)
