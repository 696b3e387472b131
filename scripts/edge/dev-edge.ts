/** A cell and the Worker on this machine: the bucket is seeded once with what the cell has published, and kept in step with it while both run. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exampleEnvironment } from '../../runtime/example.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { messageOf } from '../../src/base/message.ts'
import { AdminClient } from '../../src/client/admin-client.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import { Member } from '../cluster/member.ts'
import { untilReady } from '../cluster/ready.ts'
import { type ClusterSecrets, hashOf, readSecrets, writeSecrets } from '../cluster/secrets.ts'
import { freePorts } from '../servers/free-ports.ts'
import { bucketDirectory, LocalBucket } from './local-bucket.ts'

export interface DevEdgeOptions {
  readonly directory: string
  /** 0 for a free one. */
  readonly port: number
  readonly cellPort: number
  readonly say: (line: string) => void
}

export interface DevEdge {
  readonly directory: string
  readonly url: string
  readonly cellUrl: string
  /** Of the example's environment, valid on both. */
  readonly key: string
  /** Why it is over, when a process ends by itself. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

const START_MS = 120_000
const LOOK_MS = 500
const root = fileURLToPath(new URL('../../', import.meta.url))
const wrangler = join(root, 'node_modules/wrangler/wrangler-dist/cli.js')

/** Resolves when both answer. Rejects when a process does not start; nothing runs then. */
export const startDevEdge = async ({ directory, port, cellPort, say }: DevEdgeOptions): Promise<DevEdge> => {
  mkdirSync(directory, { recursive: true })
  const [freePort = 0, freeCellPort = 0] = await freePorts(2)
  const secrets = readSecrets(directory)
  const cell = cellOf(directory, cellPort || freeCellPort, secrets)
  const worker = workerOf(directory, port || freePort, cell.url)
  let bucket: LocalBucket | null = null
  const stop = async (): Promise<void> => {
    await Promise.all([bucket?.close(), worker.member.kill('SIGTERM')])
    await cell.member.kill('SIGTERM')
  }
  try {
    await cell.member.start()
    await cell.member.serving(START_MS)
    await untilReady(cell.url, START_MS)
    const { admin, key } = await openExample(directory, cell.url, secrets)
    const environments = [controlEnvironment, exampleEnvironment]
    for (const environment of environments) await admin.snapshot(environment)
    bucket = await LocalBucket.open({ from: folderObjectStore(join(cell.data, 'objects')), directory, environments, say })
    await worker.member.start()
    await untilReady(worker.url, START_MS)
    const ended = Promise.race([cell.member, worker.member].map(untilEnded))
    return { directory, url: worker.url, cellUrl: cell.url, key, ended, stop }
  } catch (cause) {
    await stop()
    throw new Error(`${messageOf(cause)}\n${worker.member.output.slice(-2000)}`, { cause })
  }
}

const cellOf = (directory: string, port: number, secrets: ClusterSecrets) => {
  const data = join(directory, 'cell')
  const settings = {
    OSO_PORT: String(port),
    OSO_DIRECTORY: data,
    ARCTOS_ADMIN_KEY: hashOf(secrets.adminKey),
    ARCTOS_SECRET: secrets.secret,
  }
  return { data, url: `http://127.0.0.1:${port}`, member: new Member({ name: 'cell', command: ['serve'], settings, directory }) }
}

const workerOf = (directory: string, port: number, origin: string) => {
  // It asks nobody whether there is something newer, and tells nobody that it runs.
  const settings = { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', CI: '1', NO_UPDATE_NOTIFIER: '1' }
  const where = [
    '--local',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--inspector-port',
    '0',
    '--persist-to',
    bucketDirectory(directory),
  ]
  const variables = [`ARCTOS_ORIGIN:${origin}`, 'ARCTOS_MODE:development'].flatMap((variable) => ['--var', variable])
  const command = ['dev', '--config', join(root, 'wrangler.toml'), '--show-interactive-dev-session=false', ...where, ...variables]
  const member = new Member({ name: 'worker', program: [process.execPath, '--no-warnings', wrangler], command, settings, directory })
  return { url: `http://127.0.0.1:${port}`, member }
}

/** The environment of the example is there; its key is made the first time. */
const openExample = async (directory: string, url: string, secrets: ClusterSecrets) => {
  const admin = new AdminClient({ url, key: secrets.adminKey })
  if (secrets.key !== null) return { admin, key: secrets.key }
  const { key } = await admin.createKey(exampleEnvironment, 'read-write')
  writeSecrets(directory, { ...secrets, key })
  return { admin, key }
}

const untilEnded = async (member: Member): Promise<string> => {
  while (member.isRunning) await pause(LOOK_MS, undefined, { ref: false })
  return `\`${member.name}\` has ended: ${member.output.slice(-2000)}`
}
