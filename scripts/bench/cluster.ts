/** What the cells of the bench share: a Kafka broker, an S3 server, and a directory for everything. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KafkaServer, startKafka } from '../servers/kafka.ts'
import { type S3Server, s3Credentials, s3Region, startS3 } from '../servers/s3.ts'
import { type Replicating, type Serving, type Settings, startReplicating, startServing } from './cell.ts'

const BUCKET = 'bench'

export class Cluster {
  readonly directory: string
  readonly #kafka: KafkaServer
  readonly #s3: S3Server
  readonly #running = new Set<{ stop(): Promise<void> }>()

  static async start(): Promise<Cluster> {
    const directory = mkdtempSync(join(tmpdir(), 'arctos-bench-'))
    try {
      const s3 = await startS3({ directory: join(directory, 's3') })
      await s3.createBucket(BUCKET)
      return new Cluster(directory, await startKafka({ directory: join(directory, 'kafka') }), s3)
    } catch (error) {
      rmSync(directory, { recursive: true, force: true })
      throw error
    }
  }

  private constructor(directory: string, kafka: KafkaServer, s3: S3Server) {
    this.directory = directory
    this.#kafka = kafka
    this.#s3 = s3
  }

  /** A folder of its own. */
  folder(name: string): string {
    const path = join(this.directory, name)
    mkdirSync(path, { recursive: true })
    return path
  }

  replicator(name: string): Promise<Replicating> {
    return this.#tracked(startReplicating(this.folder(name), this.#settings()))
  }

  /** Beside the replicator of the same name. */
  runtime(name: string): Promise<Serving> {
    const folder = this.folder(name)
    const settings = { ...this.#settings(), ARCTOS_REPLICATOR: `unix:${join(folder, 'replicator.sock')}` }
    return this.#tracked(startServing('serve', folder, settings))
  }

  /** Runtime and replicator in one process, on the embedded log. */
  allInOne(name: string): Promise<Serving> {
    return this.#tracked(startServing('serve', this.folder(name), {}))
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.stop()))
    await Promise.all([this.#kafka.kill(), this.#s3.kill()])
    rmSync(this.directory, { recursive: true, force: true })
  }

  #settings(): Settings {
    return {
      ARCTOS_LOG: `kafka://${this.#kafka.address}/bench`,
      ARCTOS_STORE: `s3://${BUCKET}/cells?endpoint=${encodeURIComponent(this.#s3.endpoint)}&region=${s3Region}&path-style=true`,
      AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
    }
  }

  async #tracked<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    const running = await starting
    this.#running.add(running)
    return running
  }
}
