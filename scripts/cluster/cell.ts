/** A cell of a cluster: its replicator and its runtime, as processes. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Member, type Settings } from './member.ts'
import type { Proxy } from './proxy.ts'

export interface CellOptions {
  readonly name: string
  readonly directory: string
  readonly port: number
  readonly replicatorPort: number
  /** Of both processes. */
  readonly settings: Settings
  readonly links: Links | null
}

/** The networks of a cell to the broker and to the object store. */
export interface Links {
  readonly kafka: Proxy
  readonly s3: Proxy
}

export interface Cell {
  readonly name: string
  /** Base URL of its runtime. */
  readonly url: string
  /** Data directory. */
  readonly directory: string
  readonly replicator: Member
  readonly runtime: Member
  readonly links: Links | null
  /** As when its disk is lost: both processes have to be dead. */
  loseDirectory(): void
}

/** The kernel cuts longer paths. */
const SOCKET_PATH_BYTES = 100

/** Not started yet. */
export const createCell = ({ name, directory, port, replicatorPort, settings, links }: CellOptions): Cell => {
  const data = join(directory, name)
  mkdirSync(data, { recursive: true })
  const socket = join(data, 'replicator.sock')
  const place = Buffer.byteLength(socket) > SOCKET_PATH_BYTES ? `http://127.0.0.1:${replicatorPort}` : `unix:${socket}`
  const own = { ...settings, OSO_DIRECTORY: data, OSO_PORT: String(port), ARCTOS_REPLICATOR: place }
  const member = (role: string, command: readonly string[]) => new Member({ name: `${name}-${role}`, command, settings: own, directory })
  return {
    name,
    url: `http://127.0.0.1:${port}`,
    directory: data,
    replicator: member('replicator', ['replicate']),
    runtime: member('runtime', ['serve']),
    links,
    loseDirectory: () => rmSync(data, { recursive: true, force: true }),
  }
}
