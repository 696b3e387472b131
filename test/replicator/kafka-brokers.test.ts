/** Which broker is asked first, among those that are named and those that others tell of. */
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BrokerRotation } from '../../replicator/kafka-brokers.ts'
import { KafkaConnection } from '../../replicator/kafka-connection.ts'
import { topicName } from '../../replicator/kafka-topic.ts'
import { known } from '../../src/base/assert.ts'
import { openTestLog, testKafka, testPlace } from '../support/kafka.ts'

const kafka = await testKafka()

describe('the brokers that are asked', () => {
  test('are those that are named, another one first each turn', () => {
    const brokers = new BrokerRotation(['a:1', 'b:1'])
    expect([0, 1, 2].map((turn) => brokers.from(turn))).toEqual([
      ['a:1', 'b:1'],
      ['b:1', 'a:1'],
      ['a:1', 'b:1'],
    ])
  })

  test('are also those that another told of last', () => {
    const brokers = new BrokerRotation(['a:1'])
    brokers.told(['a', 'gone'].map((host) => ({ host, port: 1 })))
    brokers.told([
      { host: 'a', port: 1 },
      { host: 'b', port: 1 },
      { host: '::1', port: 2 },
    ])
    expect([0, 1, 2].map((turn) => brokers.from(turn)[0])).toEqual(['a:1', 'b:1', '[::1]:2'])
    expect(brokers.from(0)).toHaveLength(3)
  })

  test('are not more than are needed of a cluster of hundreds', () => {
    const brokers = new BrokerRotation(['a:1'])
    brokers.told(Array.from({ length: 500 }, (_, index) => ({ host: `b${index}`, port: 1 })))
    expect(brokers.from(0)).toHaveLength(17)
  })
})

/** Another address of a port, until it is closed. */
const gateTo = async (port: number) => {
  const sockets = new Set<Socket>()
  const gate = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => {
    gate.listen(0, '127.0.0.1', resolve)
  })
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    gate.close()
  }
  onTestFinished(close)
  const address = gate.address()
  if (address === null || typeof address === 'string') throw new Error('a port was expected')
  return { address: `127.0.0.1:${address.port}`, close }
}

test.skipIf(kafka === null)('a broker that another told of is found when the only one that is named is lost', async () => {
  const server = known(kafka, 'a broker')
  const place = testPlace(server)
  await openTestLog(place)
  const gate = await gateTo(Number(server.address.split(':')[1]))
  const connection = new KafkaConnection({ ...place, brokers: [gate.address] }, { username: null, password: null })
  const leaders = async (turn: number): Promise<unknown> => {
    const { connected, end } = connection.cluster(topicName(place), turn)
    onTestFinished(end)
    return (await connected).findLeaderForPartitions(topicName(place), [0])
  }
  const told = await leaders(0)
  expect(told).toEqual({ 1: [0] })
  gate.close()
  expect([await leaders(1), await leaders(2)]).toEqual([told, told])
})
