/** A replicator behind its HTTP server and a client of it, in this process. */
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type ReplicatorServer, serveReplicator } from '../../replicator/http-server.ts'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import type { Replicator } from '../../replicator/replicator.ts'
import { placeFetch } from '../../runtime/node/unix-fetch.ts'
import { type InnerClient, innerClient } from '../../snapshots/inner-client.ts'
import type { ConnectionOptions } from '../../snapshots/inner-connection.ts'
import type { InnerFetch } from '../../snapshots/inner-fetch.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import type { InnerReplicator } from '../../src/log/inner.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'
import { noMetrics } from '../../src/ops/metrics.ts'
import type { ReplicatorPlace } from '../../src/ops/places.ts'
import { makeDirectory, removeDirectory } from '../support/directory.ts'

export interface ServedReplicator {
  readonly server: ReplicatorServer
  readonly lines: readonly string[]
  readonly client: (options?: ClientOptions) => InnerClient
  readonly end: () => Promise<void>
}

export interface ClientOptions extends Partial<Pick<ConnectionOptions, 'monotonicMs' | 'beforeTaking'>> {
  readonly secret?: string | null
  readonly over?: (own: InnerFetch) => InnerFetch
}

export interface ServeOptions {
  readonly over?: 'socket' | 'tcp'
  readonly replicator?: InnerReplicator
  readonly secret?: string | null
  readonly objects?: ObjectStore
}

export const serve = async ({ over = 'socket', replicator, secret = null, objects }: ServeOptions = {}): Promise<ServedReplicator> => {
  const lines: string[] = []
  const log: WriteLogLine = (level, event, fields) => void lines.push(JSON.stringify({ level, event, ...fields }))
  const directory = makeDirectory()
  const place: ReplicatorPlace =
    over === 'tcp' ? { kind: 'http', url: 'http://127.0.0.1:0' } : { kind: 'unix', path: join(directory, 'replicator.sock') }
  const inner = replicator ?? (await inMemoryReplicator())
  const server = await serveReplicator({
    place,
    secret,
    replicator: () => inner,
    objects: objects ?? null,
    unready: () => null,
    metrics: noMetrics,
    log,
  })
  const clients: (() => Promise<void>)[] = []
  return {
    server,
    lines,
    client({ over: through, ...options } = {}) {
      const at = placeFetch(server.place)
      const client = innerClient({
        monotonicMs: () => performance.now(),
        ...options,
        url: at.url,
        fetch: through?.(at.fetch) ?? at.fetch,
        secret: options.secret ?? secret,
        log,
      })
      clients.push(async () => {
        await client.close()
        at.close()
      })
      return client
    },
    async end() {
      for (const close of clients) await close()
      await server.close(1000)
      await inner.close()
      removeDirectory(directory)
    },
  }
}

/** Until the test ends. */
export const open = async (options: ServeOptions = {}): Promise<ServedReplicator> => {
  const served = await serve(options)
  onTestFinished(() => served.end())
  return served
}

/** A replicator with an environment `e`, some of its calls done by the test. */
export const replicatorWith = async (overrides: Partial<Replicator>): Promise<Replicator> => {
  const inner = await inMemoryReplicator()
  await inner.createEnvironment('e')
  return new Proxy(inner, {
    get: (target, name) => {
      const own: unknown = Reflect.get(overrides, name) ?? Reflect.get(target, name)
      const bound: unknown = typeof own === 'function' ? own.bind(target) : own
      return bound
    },
  })
}
