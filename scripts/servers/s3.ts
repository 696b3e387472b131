/** A real S3 server on loopback over a folder, for tests and for a cluster on one machine. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePorts } from './free-ports.ts'
import { s3Program } from './s3-program.ts'
import { startWatched, type Watched } from './watched.ts'

export interface S3Options {
  /** Holds the buckets; it goes on with what is there. */
  readonly directory: string
  /** By default a free one. */
  readonly port?: number
}

export interface S3Server {
  readonly endpoint: string
  readonly port: number
  readonly pid: number
  /** Where a bucket's objects are files. */
  readonly folder: string
  /** Nothing when it is there. */
  createBucket(name: string): Promise<void>
  /** SIGKILL by default; waits for the end. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Stops it in its tracks, and lets it go on. */
  freeze(): void
  thaw(): void
  /** After `kill`: on the same port, with the same buckets. Resolves when it answers. */
  start(): Promise<void>
}

/** Of every server that this file starts. */
export const s3Credentials = { accessKeyId: 'arctos-test', secretAccessKey: 'arctos-test-secret' } as const
export const s3Region = 'us-east-1'

const READY_MS = 30_000

/** Resolves when the server answers. It ends when this process does, however that ends. */
export const startS3 = async (options: S3Options): Promise<S3Server> => {
  const program = await s3Program()
  const [free = 0] = await freePorts(1)
  const port = options.port ?? free
  const [folder, sidecar] = [join(options.directory, 'buckets'), join(options.directory, 'sidecar')]
  for (const made of [folder, sidecar]) mkdirSync(made, { recursive: true })
  const output = join(options.directory, 's3.out')
  const command = [program, '--quiet', '--keep-alive', '--region', s3Region, '--port', `127.0.0.1:${port}`, 'posix']
  const env = { ROOT_ACCESS_KEY: s3Credentials.accessKeyId, ROOT_SECRET_KEY: s3Credentials.secretAccessKey }

  let server: Watched | null = null
  const run = async (more: readonly string[]): Promise<void> => {
    server = await startWatched([...command, ...more, folder], output, env)
    await answering(port, server, output)
  }
  let more: readonly string[] = []
  const start = async (): Promise<void> => {
    try {
      await run(more)
    } catch (error) {
      // Attributes of objects are attributes of files; where the file system has none, the server ends at once.
      if (more.length > 0 || !/xattr|attribute/i.test(String(error))) throw error
      more = ['--sidecar', sidecar]
      await run(more)
    }
  }
  await start()
  const endpoint = `http://127.0.0.1:${port}`
  return {
    endpoint,
    port,
    folder,
    get pid() {
      return server?.pid ?? 0
    },
    createBucket: (name) => createBucket(endpoint, name),
    freeze: () => server?.signal('SIGSTOP'),
    thaw: () => server?.signal('SIGCONT'),
    async kill(name = 'SIGKILL') {
      server?.signal(name)
      await server?.ended
    },
    start,
  }
}

const createBucket = async (endpoint: string, name: string): Promise<void> => {
  const client = new S3Client({ endpoint, region: s3Region, forcePathStyle: true, credentials: s3Credentials })
  try {
    await client.send(new CreateBucketCommand({ Bucket: name }))
  } catch (error) {
    if (!(error instanceof Error) || !error.name.startsWith('BucketAlready')) throw error
  } finally {
    client.destroy()
  }
}

const answering = async (port: number, server: Watched, output: string): Promise<void> => {
  const until = performance.now() + READY_MS
  while (!(await connects(port))) {
    if (server.over() || performance.now() > until)
      throw new Error(`the S3 server does not answer: ${readFileSync(output, 'utf8').slice(-2000)}`)
    await pause(20)
  }
  // The port may be that of another process, when it was taken before this server could have it.
  if (server.over()) throw new Error(`the S3 server ended: ${readFileSync(output, 'utf8').slice(-2000)}`)
}

const connects = async (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
