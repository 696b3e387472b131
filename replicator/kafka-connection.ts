/** How the brokers are reached: addresses, TLS, SASL, sockets, deadlines. */
import { readFileSync } from 'node:fs'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { LogError } from '../src/log/log.ts'
import type { KafkaPlace } from '../src/ops/places.ts'
import { BrokerRotation } from './kafka-brokers.ts'
import { type Contact, firstContact } from './kafka-contact.ts'
import { mendClients, type ProtocolCluster, protocolCluster, type SaslOptions, type SocketFactory } from './kafka-protocol.ts'

export interface KafkaCredentials {
  readonly username: string | null
  readonly password: string | null
}

const CLIENT_ID = 'arctos'
const CONNECT_MS = 2000
const AUTHENTICATE_MS = 5000
/** Before a session of SASL ends, it is renewed. */
const REAUTHENTICATE_MS = 10_000
const METADATA_MS = 300_000
const KEEP_ALIVE_MS = 10_000

export class KafkaConnection {
  readonly #brokers: BrokerRotation
  readonly #ssl: ConnectionOptions | boolean
  readonly #sasl: SaslOptions | null
  #admins = 0

  constructor(place: KafkaPlace, credentials: KafkaCredentials) {
    this.#ssl = typeof place.tls === 'string' ? { ca: certificates(place.tls) } : place.tls
    this.#sasl = saslOptions(place, credentials)
    this.#brokers = new BrokerRotation(place.brokers)
  }

  /** Knows the brokers and who leads the topic's partitions. Dialed again after a failure, with the next `turn`, it asks another broker first: the one that
   * answered before may have been left behind by the others, and name leaders of the past. */
  cluster(topic: string, turn: number): Contact<ProtocolCluster> {
    return firstContact(this.#brokers.from(turn), (broker) => this.#dialCluster(broker, topic))
  }

  /** Each time another broker is asked first. */
  admin(): Contact<Admin> {
    return firstContact(this.#brokers.from(this.#admins++), (broker) => this.#dialAdmin(broker))
  }

  #dialCluster(broker: string, topic: string): Contact<ProtocolCluster> {
    const sockets = new Set<Socket>()
    const client = protocolCluster({
      brokers: async () => [splittable(broker)],
      clientId: CLIENT_ID,
      socketFactory: this.#socketFactory(sockets),
      ssl: this.#ssl,
      ...(this.#sasl === null ? {} : { sasl: { ...this.#sasl } }),
      connectionTimeout: CONNECT_MS,
      authenticationTimeout: AUTHENTICATE_MS,
      reauthenticationThreshold: REAUTHENTICATE_MS,
      requestTimeout: CONNECT_MS,
      enforceRequestTimeout: false,
      metadataMaxAge: METADATA_MS,
      retry: { retries: 0 },
      allowAutoTopicCreation: false,
      // The broker answers a connection in order; what waits here can still be given up unsent.
      maxInFlightRequests: 1,
      isolationLevel: 0,
    })
    const connect = async (): Promise<ProtocolCluster> => {
      await client.connect()
      await client.addTargetTopic(topic)
      this.#brokers.told(client.brokerPool.metadata?.brokers ?? [])
      return client
    }
    return { connected: connect(), end: () => destroy(sockets) }
  }

  #dialAdmin(broker: string): Contact<Admin> {
    mendClients()
    const sockets = new Set<Socket>()
    const kafka = new Kafka({
      brokers: [splittable(broker)],
      clientId: CLIENT_ID,
      // The declared type lacks what the library does pass and take: it is that of `SocketFactory`.
      socketFactory: this.#socketFactory(sockets),
      ssl: this.#ssl,
      ...(this.#sasl === null ? {} : { sasl: publicSasl(this.#sasl) }),
      connectionTimeout: CONNECT_MS,
      authenticationTimeout: AUTHENTICATE_MS,
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    })
    const client = kafka.admin()
    return { connected: client.connect().then(() => client), end: () => destroy(sockets) }
  }

  #socketFactory(sockets: Set<Socket>): SocketFactory {
    return ({ host: named, port, ssl, onConnect }) => {
      const host = addressOf(named)
      const socket = ssl
        ? connectTls({ host, port, ...serverName(host), ...(ssl === true ? {} : ssl) }, onConnect)
        : connectPlain({ host, port }, onConnect)
      socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    }
  }
}

// kafkajs cannot split addresses of IPv6 in brackets from their port: it is given a name in their place.
const splittable = (broker: string): string =>
  broker.replace(/^\[([^\]]+)\]/, (_, address: string) => `${address.replaceAll(':', '-')}.ipv6`)

const addressOf = (host: string): string => (host.endsWith('.ipv6') ? host.slice(0, -'.ipv6'.length).replaceAll('-', ':') : host)

// With an error, because kafkajs fails what is in flight on it and on nothing else.
const destroy = (sockets: ReadonlySet<Socket>): void => {
  for (const socket of sockets) socket.destroy(new Error('given up'))
}

const serverName = (host: string): { readonly servername?: string } => (isIP(host) === 0 ? { servername: host } : {})

const certificates = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new LogError('unavailable', `the certificates for the log's brokers cannot be read from \`${path}\``, { cause })
  }
}

const saslOptions = (place: KafkaPlace, { username, password }: KafkaCredentials): SaslOptions | null => {
  if (place.sasl === null) return null
  if (username !== null && password !== null) return { mechanism: place.sasl, username, password }
  throw new LogError('unavailable', `SASL ${place.sasl} needs a name and a password: set ARCTOS_KAFKA_USERNAME and ARCTOS_KAFKA_PASSWORD`)
}

// The public type is a union by mechanism, so that each has to be written out.
const publicSasl = ({ mechanism, ...credentials }: SaslOptions) => {
  switch (mechanism) {
    case 'plain':
      return { mechanism: 'plain' as const, ...credentials }
    case 'scram-sha-256':
      return { mechanism: 'scram-sha-256' as const, ...credentials }
    case 'scram-sha-512':
      return { mechanism: 'scram-sha-512' as const, ...credentials }
  }
}
