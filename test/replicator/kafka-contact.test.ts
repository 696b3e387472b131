/** The first contact to brokers that answer, refuse, or stand still, as told. */
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { type Contact, firstContact } from '../../replicator/kafka-contact.ts'
import { protocolCode } from '../../replicator/kafka-failure.ts'
import { known } from '../../src/base/assert.ts'

/** A broker answers by its name when it is told to. */
const brokers = (...names: readonly string[]) => {
  const dialed: string[] = []
  const ended: string[] = []
  const answers = new Map(names.map((name) => [name, Promise.withResolvers<string>()]))
  // What fails is heard of late, or not at all.
  for (const { promise } of answers.values()) promise.catch(() => undefined)
  const answer = (name: string) => known(answers.get(name), 'a broker')
  const dial = (name: string): Contact<string> => {
    dialed.push(name)
    return { connected: answer(name).promise, end: () => ended.push(name) }
  }
  const { connected, end } = firstContact(names, dial)
  connected.catch(() => undefined)
  return { connected, end, dialed, ended, answer }
}

const dead = (): Error => new Error('connection refused')
const eventually = async (holds: () => boolean): Promise<void> => {
  await expect.poll(holds, { timeout: 30_000 }).toBe(true)
}

test('one that answers is asked alone', async () => {
  const { connected, dialed, ended, answer } = brokers('a', 'b')
  answer('a').resolve('a')
  expect(await connected).toBe('a')
  expect([dialed, ended]).toEqual([['a'], []])
})

test('one that refuses is followed by the next', async () => {
  const { connected, dialed, ended, answer } = brokers('a', 'b', 'c')
  answer('a').reject(dead())
  answer('b').reject(dead())
  answer('c').resolve('c')
  expect(await connected).toBe('c')
  expect(dialed).toEqual(['a', 'b', 'c'])
  expect(ended).not.toContain('c')
})

test('one that stands still is not waited for alone, and ended when another answers', async () => {
  const { connected, ended, answer } = brokers('a', 'b', 'c')
  answer('b').reject(dead())
  answer('c').resolve('c')
  expect(await connected).toBe('c')
  expect(ended).toContain('a')
  expect(ended).not.toContain('c')
})

test('one that is slow is kept when it answers before the others', async () => {
  const { connected, dialed, ended, answer } = brokers('a', 'b')
  await eventually(() => dialed.includes('b'))
  answer('a').resolve('a')
  expect(await connected).toBe('a')
  expect(ended).toEqual(['b'])
})

test('of brokers that all fail the one tells why that answered', async () => {
  const { connected, answer } = brokers('a', 'b', 'c')
  answer('a').reject(dead())
  const type = 'UNKNOWN_TOPIC_OR_PARTITION'
  answer('b').reject(new kafkajs.KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 3 })))
  answer('c').reject(dead())
  const error = await connected.catch((reason: unknown) => reason)
  expect(protocolCode(error)).toBe(type)
})

test('nothing is dialed after the end, and everything dialed is ended', async () => {
  const { connected, end, dialed, ended, answer } = brokers('a', 'b')
  end()
  expect(ended).toEqual(['a'])
  answer('a').reject(dead())
  await expect(connected).rejects.toThrow('connection refused')
  expect(dialed).toEqual(['a'])
})
