/** The processes of a cell: a replicator and a runtime, started from the command line as an operator does. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { developmentKey } from '../../src/wire/api-key.ts'
import { freePorts } from '../servers/free-ports.ts'
import { startWatched, type Watched } from '../servers/watched.ts'
import { Client } from './client.ts'
import { Connection, type Sent } from './connection.ts'

const main = fileURLToPath(new URL('../../runtime/cli/main.ts', import.meta.url))

export type Settings = Readonly<Record<string, string>>

/** A process that serves, from its first moment on. */
export interface Serving {
  readonly process: Watched
  readonly port: number
  readonly spawnedMs: number
  readonly client: Client
  stop(): Promise<void>
}

const READY_MS = 180_000
const LOOK_MS = 10

/** `command` is `serve` or another that listens on a port. */
export const startServing = async (command: string, directory: string, settings: Settings): Promise<Serving> => {
  const [port = 0] = await freePorts(1)
  const spawnedMs = performance.now()
  const output = join(directory, `${command}.out`)
  const environment = { OSO_PORT: String(port), OSO_DIRECTORY: directory, ARCTOS_EXAMPLE: 'false', ARCTOS_LOG_LEVEL: 'error', ...settings }
  const process = await startWatched([...node, main, command], output, environment)
  const client = new Client({ port }, developmentKey)
  const stop = async (): Promise<void> => {
    client.close()
    await end(process)
  }
  return { process, port, spawnedMs, client, stop }
}

const node = [process.execPath]

export interface Replicating {
  readonly process: Watched
  readonly place: string
  readonly client: Client
  stop(): Promise<void>
}

/** Resolves when it is started, not when it is ready. */
export const startReplicating = async (directory: string, settings: Settings): Promise<Replicating> => {
  const socket = join(directory, 'replicator.sock')
  const environment = { OSO_DIRECTORY: directory, ARCTOS_REPLICATOR: `unix:${socket}`, ARCTOS_LOG_LEVEL: 'error', ...settings }
  const process = await startWatched([...node, main, 'replicate'], join(directory, 'replicate.out'), environment)
  const client = new Client({ path: socket })
  const stop = async (): Promise<void> => {
    client.close()
    await end(process)
  }
  return { process, place: `unix:${socket}`, client, stop }
}

const end = async (process: Watched): Promise<void> => {
  process.signal('SIGTERM')
  await process.ended
}

/** Milliseconds since it was spawned. */
export interface Started {
  /** Its modules are loaded: it takes connections. */
  readonly upMs: number
  /** The answer was the right one for the first time. */
  readonly answeredMs: number
}

/** Asks until the answer is the right one. Whatever else comes before must be a refusal. */
export const untilAnswered = async ({ process, port, spawnedMs, client }: Serving, sent: Sent, answer: string): Promise<Started> => {
  await until(process, async () => (await connects(port)) || null)
  const upMs = performance.now() - spawnedMs
  await until(process, async () => {
    const { status, body } = await client.send(sent)
    if (status === 200 && body !== answer) throw new Error(`a wrong first answer: ${body}`)
    return status === 200 ? true : null
  })
  return { upMs, answeredMs: performance.now() - spawnedMs }
}

/** Looks until there is something. */
export const until = async <T>(process: Watched, look: () => Promise<T | null>, everyMs = LOOK_MS): Promise<T> => {
  const deadline = performance.now() + READY_MS
  for (;;) {
    const found = await look()
    if (found !== null) return found
    if (process.over()) throw new Error('a process of the bench ended')
    if (performance.now() > deadline) throw new Error('a process of the bench does not become ready')
    await delay(everyMs)
  }
}

const connects = async (port: number): Promise<boolean> => {
  try {
    ;(await Connection.open({ port })).close()
    return true
  } catch {
    return false
  }
}

const MIB = 1024 ** 2
/** Of Linux, for what it tells of times. */
const TICKS_PER_SECOND = 100

export const memoryMiB = ({ pid }: Watched): number => {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(kib) * 1024) / MIB
}

/** Processor time of all threads of a process. */
export const processorSeconds = ({ pid }: Watched): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
