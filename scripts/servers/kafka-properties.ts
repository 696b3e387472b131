/** The configuration of a broker that is its own controller. */
import { join } from 'node:path'

export interface KafkaListener {
  readonly protocol: 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT'
  /** Further properties, without the listener's prefix: keys, mechanisms, users. */
  readonly properties: Readonly<Record<string, string>>
  readonly scramUsers?: readonly { readonly mechanism: string; readonly name: string; readonly password: string }[]
}

export interface PropertiesOptions {
  readonly directory: string
  readonly port: number
  readonly controllerPort: number
  readonly securedPort: number
  readonly advertisedPort?: number
  readonly secured?: KafkaListener
  /** Further listeners, and where each sends its clients. */
  readonly more?: readonly { readonly port: number; readonly advertisedPort: number }[]
}

export const kafkaProperties = (options: PropertiesOptions): string => {
  const { directory, port, controllerPort, securedPort, advertisedPort, secured, more = [] } = options
  const second = secured === undefined ? '' : `,SECURED://127.0.0.1:${securedPort}`
  const others = more.map(({ port: own }, index) => `,PLAIN${index}://127.0.0.1:${own}`).join('')
  const advertised = more.map(({ advertisedPort: sentTo }, index) => `,PLAIN${index}://127.0.0.1:${sentTo}`).join('')
  const protocols = more.map((_, index) => `,PLAIN${index}:PLAINTEXT`).join('')
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAIN://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${second}${others}`,
    'advertised.listeners': `PLAIN://127.0.0.1:${advertisedPort ?? port}${second}${advertised}`,
    'listener.security.protocol.map': `PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT${secured === undefined ? '' : `,SECURED:${secured.protocol}`}${protocols}`,
    'inter.broker.listener.name': 'PLAIN',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(directory, 'data'),
    'auto.create.topics.enable': 'false',
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
  }
  for (const [name, value] of Object.entries(secured?.properties ?? {})) properties[`listener.name.secured.${name}`] = value
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
