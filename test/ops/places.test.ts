/** The place of a log, from its text. */
import { expect, test } from 'vitest'
import { parseLogPlace } from '../../src/ops/places.ts'

const kafka = {
  kind: 'kafka',
  brokers: ['a:9092'],
  topicPrefix: 'arctos',
  tls: false,
  sasl: null,
  partitions: 4,
  replicationFactor: null,
  minInsyncReplicas: null,
}

test.each([
  ['kafka://a:9092/arctos', {}],
  ['kafka://a:9092,b.example:9092,[::1]:9092/arctos', { brokers: ['a:9092', 'b.example:9092', '[::1]:9092'] }],
  ['kafka://a:9092/arctos?partitions=12', { partitions: 12 }],
  ['kafka://a:9092/arctos?replication=3&min-insync=2', { replicationFactor: 3, minInsyncReplicas: 2 }],
  ['kafka://a:9092/arctos?min-insync=2', { minInsyncReplicas: 2 }],
  ['kafka://a:9092/arctos?replication=1', { replicationFactor: 1, minInsyncReplicas: 1 }],
  ['kafka://a:9092/arctos?replication=2', { replicationFactor: 2, minInsyncReplicas: 2 }],
  ['kafka://a:9092/arctos?replication=3', { replicationFactor: 3, minInsyncReplicas: 2 }],
  ['kafka://a:9092/arctos?replication=3&min-insync=1', { replicationFactor: 3, minInsyncReplicas: 1 }],
  ['kafka://a:9092/arctos?tls=/ca.pem&sasl=plain', { tls: '/ca.pem', sasl: 'plain' }],
])('%s', (text, said) => {
  expect(parseLogPlace(text)).toEqual({ place: { ...kafka, ...said } })
})

test.each([
  'kafka://a/arctos',
  'kafka://a:9092',
  'kafka://a:9092/arctos?partitions=0',
  'kafka://a:9092/arctos?replication=many',
  // It could never be written to.
  'kafka://a:9092/arctos?replication=2&min-insync=3',
  'kafka://a:9092/arctos?acks=1',
])('%s is refused', (text) => {
  expect(parseLogPlace(text)).toMatchObject({ expected: expect.stringContaining('kafka://host:port') })
})
