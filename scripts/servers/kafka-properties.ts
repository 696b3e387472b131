/** The configuration of a broker that is a controller, too: alone, or one of several. */
import { join } from 'node:path'
import { at } from '../../src/base/assert.ts'

export interface KafkaListener {
  readonly protocol: 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT'
  /** Further properties, without the listener's prefix: keys, mechanisms, users. */
  readonly properties: Readonly<Record<string, string>>
  readonly scramUsers?: readonly { readonly mechanism: string; readonly name: string; readonly password: string }[]
}

/** One of several brokers that are one cluster. */
export interface KafkaNode {
  /** From 1 on. */
  readonly id: number
  /** Of all nodes, in the order of their ids. */
  readonly controllerPorts: readonly number[]
}

export interface PropertiesOptions {
  readonly directory: string
  readonly port: number
  readonly node: KafkaNode
  readonly securedPort: number
  readonly advertisedPort?: number
  readonly secured?: KafkaListener
  /** Further listeners, and where each sends its clients. */
  readonly more?: readonly { readonly port: number; readonly advertisedPort: number }[]
}

export const kafkaProperties = (options: PropertiesOptions): string => {
  const { directory, port, node, securedPort, advertisedPort, secured, more = [] } = options
  const controllerPort = at(node.controllerPorts, node.id - 1)
  const nodes = node.controllerPorts.length
  const second = secured === undefined ? '' : `,SECURED://127.0.0.1:${securedPort}`
  const others = more.map(({ port: own }, index) => `,PLAIN${index}://127.0.0.1:${own}`).join('')
  const advertised = more.map(({ advertisedPort: sentTo }, index) => `,PLAIN${index}://127.0.0.1:${sentTo}`).join('')
  const protocols = more.map((_, index) => `,PLAIN${index}:PLAINTEXT`).join('')
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': node.controllerPorts.map((voter, index) => `${index + 1}@127.0.0.1:${voter}`).join(),
    listeners: `PLAIN://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${second}${others}`,
    'advertised.listeners': `PLAIN://127.0.0.1:${advertisedPort ?? port}${second}${advertised}`,
    'listener.security.protocol.map': `PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT${secured === undefined ? '' : `,SECURED:${secured.protocol}`}${protocols}`,
    'inter.broker.listener.name': 'PLAIN',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(directory, 'data'),
    'auto.create.topics.enable': 'false',
    // Of a topic that is made without saying: one node may be lost without a loss, and without a pause in writing.
    'default.replication.factor': String(nodes),
    'min.insync.replicas': String(Math.max(1, nodes - 1)),
    'offsets.topic.num.partitions': '1',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    // By default it takes 128 MiB of heap.
    'log.cleaner.dedupe.buffer.size': '2097152',
    'log.retention.check.interval.ms': '1000',
    // By default a killed broker takes no writes for 12 s after its restart, until its old registration has expired.
    'broker.session.timeout.ms': '1500',
    'broker.heartbeat.interval.ms': '300',
    // Nodes that do not answer are noticed and replaced in a second or two, rather than in three to five.
    'controller.quorum.fetch.timeout.ms': '1000',
    'controller.quorum.election.timeout.ms': '500',
    'controller.quorum.election.backoff.max.ms': '300',
  }
  for (const [name, value] of Object.entries(secured?.properties ?? {})) properties[`listener.name.secured.${name}`] = value
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
