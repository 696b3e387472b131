/** The servers of a cluster that are not ours: the broker and the object store, and the ways to them. */
import { at } from '../../src/base/assert.ts'
import { freePorts } from '../servers/free-ports.ts'
import { type KafkaServer, startKafka } from '../servers/kafka.ts'
import { type S3Server, s3Credentials, s3Region, startS3 } from '../servers/s3.ts'
import type { Links } from './cell.ts'
import type { Settings } from './member.ts'
import { Proxy } from './proxy.ts'

const BUCKET = 'arctos'

export interface Servers {
  readonly kafka: KafkaServer
  readonly s3: S3Server
}

/** A proxy in each way to each of the two. */
export const startLinks = async (count: number): Promise<readonly Links[]> => {
  const ports = await freePorts(2 * count)
  return Promise.all(
    Array.from({ length: count }, async (_, index) => ({
      kafka: await Proxy.start(at(ports, 2 * index)),
      s3: await Proxy.start(at(ports, 2 * index + 1)),
    })),
  )
}

/** With an empty bucket, unless it is there. */
export const startServers = async (directory: string, links: readonly Links[]): Promise<Servers> => {
  // Clients go where the broker sends them, so each way to it has a listener of its own.
  const advertisedPorts = links.map(({ kafka }) => kafka.port)
  const [kafka, s3] = await Promise.all([
    startKafka({ directory: `${directory}/kafka`, advertisedPorts }),
    startS3({ directory: `${directory}/s3` }),
  ])
  for (const [index, link] of links.entries()) {
    link.kafka.target = at(kafka.ports, index)
    link.s3.target = s3.port
  }
  await s3.createBucket(BUCKET)
  return { kafka, s3 }
}

export const endServer = async (server: KafkaServer | S3Server): Promise<void> => {
  server.thaw()
  await server.kill()
}

/** Of a process that uses the object store at this port. */
export const storeSettings = (port: number): Settings => ({
  ARCTOS_STORE: `s3://${BUCKET}/cells?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}&region=${s3Region}`,
  AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
})
