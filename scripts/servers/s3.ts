/** A real S3 server on loopback over a folder, for tests and for a cluster on one machine. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePorts } from './free-ports.ts'
import { Restartable } from './restartable.ts'
import { s3Program } from './s3-program.ts'
import { startWatched, type Watched } from './watched.ts'

export interface S3Options {
  /** Holds the buckets; it goes on with what is there. */
  readonly directory: string
  /** By default a free one. */
  readonly port?: number
}

/** Of every server that this file starts. */
export const s3Credentials = { accessKeyId: 'arctos-test', secretAccessKey: 'arctos-test-secret' } as const
export const s3Region = 'us-east-1'

const READY_MS = 30_000

/** Resolves when the server answers. It ends when this process does, however that ends. */
export const startS3 = async (options: S3Options): Promise<S3Server> => {
  const program = await s3Program()
  const [free = 0] = await freePorts(1)
  const server = new S3Server(program, options.directory, options.port ?? free)
  await server.start()
  return server
}

export class S3Server extends Restartable {
  readonly endpoint: string
  readonly port: number
  /** Where a bucket's objects are files. */
  readonly folder: string
  readonly #sidecar: string
  readonly #output: string
  readonly #command: readonly string[]
  /** Whether attributes of objects are attributes of files. */
  #hasAttributes = true

  constructor(program: string, directory: string, port: number) {
    super()
    this.endpoint = `http://127.0.0.1:${port}`
    this.port = port
    this.folder = join(directory, 'buckets')
    this.#sidecar = join(directory, 'sidecar')
    this.#output = join(directory, 's3.out')
    this.#command = [program, '--quiet', '--keep-alive', '--region', s3Region, '--port', `127.0.0.1:${port}`, 'posix']
    for (const made of [this.folder, this.#sidecar]) mkdirSync(made, { recursive: true })
  }

  /** Nothing when it is there. */
  async createBucket(name: string): Promise<void> {
    const client = new S3Client({ endpoint: this.endpoint, region: s3Region, forcePathStyle: true, credentials: s3Credentials })
    try {
      await client.send(new CreateBucketCommand({ Bucket: name }))
    } catch (error) {
      if (!(error instanceof Error) || !error.name.startsWith('BucketAlready')) throw error
    } finally {
      client.destroy()
    }
  }

  /** After `kill`: on the same port, with the same buckets. Resolves when it answers. */
  async start(): Promise<void> {
    try {
      await this.#run()
    } catch (error) {
      // Where the file system has no attributes, the server ends at once.
      if (!this.#hasAttributes || !/xattr|attribute/i.test(String(error))) throw error
      this.#hasAttributes = false
      await this.#run()
    }
  }

  async #run(): Promise<void> {
    const more = this.#hasAttributes ? [] : ['--sidecar', this.#sidecar]
    const env = { ROOT_ACCESS_KEY: s3Credentials.accessKeyId, ROOT_SECRET_KEY: s3Credentials.secretAccessKey }
    const server = await startWatched([...this.#command, ...more, this.folder], this.#output, env)
    this.process = server
    await answering(this.port, server, this.#output)
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
