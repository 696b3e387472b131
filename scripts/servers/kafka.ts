/** A real Kafka broker in one process (KRaft) on loopback, for tests and for a cluster on one machine. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { mendClients } from '../../replicator/kafka-protocol.ts'
import { at } from '../../src/base/assert.ts'
import { freePorts } from './free-ports.ts'
import { kafkaJars } from './kafka-jars.ts'
import { type KafkaListener, type KafkaNode, kafkaProperties } from './kafka-properties.ts'
import { Restartable } from './restartable.ts'
import { startWatched, type Watched } from './watched.ts'

export interface KafkaOptions {
  /** Holds the broker's data and configuration; it goes on with what is there. */
  readonly directory: string
  /** A free one without. */
  readonly port?: number
  /** Where clients are sent, for a proxy in front of it. */
  readonly advertisedPort?: number
  /** A second listener with TLS or SASL. */
  readonly secured?: KafkaListener
  /** Further listeners, each for clients that are sent to this port: of a proxy in front of it. */
  readonly advertisedPorts?: readonly number[]
  /** Which one of a cluster; alone without. */
  readonly node?: KafkaNode
}

const READY_MS = 60_000

/** Resolves when the broker answers. The broker ends when this process does, however that ends. */
export const startKafka = async (options: KafkaOptions): Promise<KafkaServer> => {
  const jars = await kafkaJars()
  const advertisedPorts = options.advertisedPorts ?? []
  const [free = 0, controllerPort = 0, securedPort = 0, ...ports] = await freePorts(3 + advertisedPorts.length)
  const more = advertisedPorts.map((advertisedPort, index) => ({ port: at(ports, index), advertisedPort }))
  const port = options.port ?? free
  const node = options.node ?? { id: 1, controllerPorts: [controllerPort] }
  mkdirSync(options.directory, { recursive: true })
  const properties = join(options.directory, `server-${port}.properties`)
  writeFileSync(properties, kafkaProperties({ ...options, port, node, securedPort, more }))
  if (!existsSync(join(options.directory, 'data', 'meta.properties'))) await format(jars, properties, options.secured)
  const broker = new KafkaServer({ directory: options.directory, jars, properties, port, securedPort, ports })
  await broker.start()
  return broker
}

interface BrokerPlace {
  readonly directory: string
  readonly jars: string
  readonly properties: string
  readonly port: number
  readonly securedPort: number
  readonly ports: readonly number[]
}

export class KafkaServer extends Restartable {
  /** `127.0.0.1:port` */
  readonly address: string
  /** Of the second listener. */
  readonly securedAddress: string
  /** Ports of the further listeners. */
  readonly ports: readonly number[]
  readonly directory: string
  readonly #command: readonly string[]

  constructor({ directory, jars, properties, port, securedPort, ports }: BrokerPlace) {
    super()
    this.address = `127.0.0.1:${port}`
    this.securedAddress = `127.0.0.1:${securedPort}`
    this.ports = ports
    this.directory = directory
    this.#command = ['java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', `${jars}/*`, 'kafka.Kafka', properties]
  }

  /** After `kill`: on the same ports, with the same data. Resolves when it answers. */
  async start(): Promise<void> {
    const broker = await startWatched(this.#command, join(this.directory, 'broker.out'))
    this.process = broker
    await answering(this.address, broker, this.directory)
  }
}

const CLUSTER_ID = 'YXJjdG9zLWNsdXN0ZXItMQ'

const format = async (jars: string, properties: string, secured: KafkaListener | undefined): Promise<void> => {
  const users = (secured?.scramUsers ?? []).flatMap(({ mechanism, name, password }) => [
    '--add-scram',
    `${mechanism}=[name=${name},password=${password}]`,
  ])
  const main = ['-cp', `${jars}/*`, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties, ...users]
  await promisify(execFile)('java', main)
}

const answering = async (address: string, broker: Watched, directory: string): Promise<void> => {
  mendClients()
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin()
  const until = performance.now() + READY_MS
  for (;;) {
    try {
      await admin.connect()
      await admin.describeCluster()
      await admin.disconnect()
      return
    } catch (cause) {
      if (broker.over() || performance.now() > until) {
        const said = readFileSync(join(directory, 'broker.out'), 'utf8').slice(-2000)
        throw new Error(`the broker does not answer: ${said}`, { cause })
      }
      await pause(100)
    }
  }
}
