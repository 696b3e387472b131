/** Kafka, an S3 server, cells and a fallback on one machine, as real processes on loopback that end when this one does. */
import { mkdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { at, known } from '../../src/base/assert.ts'
import { AdminClient } from '../../src/client/admin-client.ts'
import { ArctosClient } from '../../src/client/client.ts'
import { ClientError } from '../../src/client/transport.ts'
import { freePorts } from '../servers/free-ports.ts'
import { type Cell, createCell, type Links } from './cell.ts'
import { Member, type Settings } from './member.ts'
import type { Proxy } from './proxy.ts'
import { untilReady } from './ready.ts'
import { type ClusterSecrets, hashOf, readSecrets, writeSecrets } from './secrets.ts'
import { endServer, type Servers, startLinks, startServers, storeSettings } from './servers.ts'

export interface ClusterOptions {
  /** Holds everything; a cluster that ran here goes on. */
  readonly directory: string
  /** 3 by default. */
  readonly cells?: number
  readonly fallback?: boolean
  /** Of every Arctos process, beside those that the cluster needs. */
  readonly settings?: Settings
  readonly fallbackSettings?: Settings
  /** Fills the environment when it is new. */
  readonly load?: (client: ArctosClient) => Promise<void>
  /** Puts a proxy into each way to the broker and to the object store. */
  readonly proxied?: boolean
}

export interface Cluster extends Servers {
  readonly directory: string
  readonly environment: string
  readonly adminKey: string
  /** Of the environment, read-write. */
  readonly key: string
  readonly readOnlyKey: string
  readonly cells: readonly Cell[]
  /** With its base URL and its way to the object store. */
  readonly fallback: { readonly member: Member; readonly url: string; readonly link: Proxy | null } | null
  /** Ends every process; those that do not in time are killed. */
  stop(): Promise<void>
}

export const clusterEnvironment = 'example'
const START_MS = 120_000
const STOP_MS = 15_000

/** Resolves when every cell is ready and the fallback serves. Rejects when Java, Maven or Go is missing, or a process does not start. */
export const startCluster = async (options: ClusterOptions): Promise<Cluster> => {
  const { directory, cells: count = 3 } = options
  mkdirSync(directory, { recursive: true })
  const secrets = readSecrets(directory)
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end()
  }
  try {
    const links = options.proxied === true ? await startLinks(count + 1) : []
    stops.push(async () => void (await Promise.all(links.flatMap(({ kafka, s3 }) => [kafka.close(), s3.close()]))))
    const servers = await startServers(directory, links)
    stops.push(async () => void (await Promise.all([servers.kafka, servers.s3].map(endServer))))
    const parts = { ...options, secrets, servers, links, ports: await freePorts(2 * count + 1) }
    const cells = Array.from({ length: count }, (_, index) => cellOf(parts, index))
    stops.push(async () => {
      await endMembers(cells.map(({ runtime }) => runtime))
      await endMembers(cells.map(({ replicator }) => replicator))
    })
    await startCells(cells)
    const { key, readOnlyKey } = await openEnvironment(options, at(cells, 0).url, secrets)
    const fallback = options.fallback === false ? null : fallbackOf(parts, readOnlyKey)
    if (fallback !== null) {
      stops.push(async () => endMembers([fallback.member]))
      await startFallback(fallback.member, cells, secrets.adminKey)
    }
    return { directory, environment: clusterEnvironment, adminKey: secrets.adminKey, key, readOnlyKey, ...servers, cells, fallback, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Parts extends ClusterOptions {
  readonly secrets: ClusterSecrets
  readonly servers: Servers
  /** Of each cell, and last that of the fallback. */
  readonly links: readonly Links[]
  readonly ports: readonly number[]
}

const cellOf = ({ directory, secrets, servers, links, ports, settings = {} }: Parts, index: number): Cell => {
  const link = links[index] ?? null
  const broker = link === null ? servers.kafka.address : `127.0.0.1:${link.kafka.port}`
  const own = {
    ARCTOS_MODE: 'production',
    ARCTOS_LOG: `kafka://${broker}/arctos`,
    ...storeSettings(link === null ? servers.s3.port : link.s3.port),
    ARCTOS_SECRET: secrets.secret,
    ARCTOS_ADMIN_KEY: hashOf(secrets.adminKey),
    ...settings,
  }
  const [port, replicatorPort] = [at(ports, 2 * index), at(ports, 2 * index + 1)]
  return createCell({ name: `cell-${index + 1}`, directory, port, replicatorPort, settings: own, links: link })
}

const startCells = async (cells: readonly Cell[]): Promise<void> => {
  await Promise.all(
    cells.map(async ({ replicator, runtime, url }) => {
      await replicator.start()
      await replicator.serving(START_MS)
      await runtime.start()
      await runtime.serving(START_MS)
      await untilReady(url, START_MS)
    }),
  )
}

/** Makes the environment and its keys, the first time. */
const openEnvironment = async ({ directory, load }: ClusterOptions, url: string, secrets: ClusterSecrets) => {
  if (secrets.key !== null && secrets.readOnlyKey !== null) return { key: secrets.key, readOnlyKey: secrets.readOnlyKey }
  const admin = new AdminClient({ url, key: secrets.adminKey })
  await admin.createEnvironment(clusterEnvironment)
  const { key } = await admin.createKey(clusterEnvironment, 'read-write')
  const { key: readOnlyKey } = await admin.createKey(clusterEnvironment, 'read-only')
  await load?.(new ArctosClient({ url, key }))
  // Last: what was cut short is done again.
  writeSecrets(directory, { ...secrets, key, readOnlyKey })
  return { key, readOnlyKey }
}

const fallbackOf = (parts: Parts, readOnlyKey: string) => {
  const { directory, secrets, servers, links, ports, settings, fallbackSettings } = parts
  const link = links.at(-1)?.s3 ?? null
  const port = known(ports.at(-1), 'the last port is that of the fallback')
  const own = {
    OSO_DIRECTORY: `${directory}/fallback`,
    OSO_PORT: String(port),
    OSO_API_TOKEN: readOnlyKey,
    OSO_ENVIRONMENT: clusterEnvironment,
    OSO_TENANT: 'cluster',
    ARCTOS_MODE: 'production',
    ...storeSettings(link === null ? servers.s3.port : link.port),
    ARCTOS_SECRET: secrets.secret,
    ...settings,
    ...fallbackSettings,
  }
  const member = new Member({ name: 'fallback', command: ['fallback'], settings: own, directory })
  return { member, url: `http://127.0.0.1:${port}`, link }
}

/** It refuses to start before there is a snapshot, which comes when a cell has the lease and has published. */
const startFallback = async (member: Member, cells: readonly Cell[], adminKey: string): Promise<void> => {
  const until = performance.now() + START_MS
  for (;;) {
    try {
      await Promise.all(cells.map(({ url }) => new AdminClient({ url, key: adminKey }).snapshot(clusterEnvironment)))
      await member.start()
      return await member.serving(START_MS)
    } catch (error) {
      // A cell says 503 while it loads the environment that another one has just made.
      const isEarly = error instanceof ClientError ? error.status === 503 : member.output.includes('no snapshot')
      if (performance.now() > until || !isEarly) throw error
      await pause(500)
    }
  }
}

/** Those that were stopped in their tracks cannot end by themselves. */
const endMembers = async (members: readonly Member[]): Promise<void> => {
  for (const member of members) member.thaw()
  await Promise.all(
    members.map(async (member) => {
      const timer = setTimeout(() => void member.kill('SIGKILL'), STOP_MS)
      await member.kill('SIGTERM')
      clearTimeout(timer)
    }),
  )
}
