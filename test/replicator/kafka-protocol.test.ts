/** What the Kafka log uses of kafkajs is what it was read from; errors, pauses and deadlines around it. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { Backoff, Pauses, within } from '../../replicator/kafka-deadline.ts'
import { isRefusedConnection, isTooLarge, mayBeWritten, protocolCode, reasonOf, Unsent } from '../../replicator/kafka-failure.ts'
import { readVersion, usedInsides } from '../../replicator/kafka-protocol.ts'
import { LogError } from '../../src/log/log.ts'

describe('kafkajs', () => {
  test('is the version that was read, pinned', () => {
    const require = createRequire(import.meta.url)
    const version = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))
    expect(version(require.resolve('kafkajs/package.json'))).toMatchObject({ version: readVersion })
    expect(version(new URL('../../package.json', import.meta.url).pathname)).toMatchObject({ dependencies: { kafkajs: readVersion } })
  })

  test('has every member that is used', () => {
    const found = usedInsides()
    expect(Object.keys(found)).toHaveLength(14)
    for (const [name, member] of Object.entries(found)) expect([name, typeof member]).toEqual([name, 'function'])
  })
})

// As kafkajs makes them: named classes with `type` or `code`, wrapped once when its own single attempt is over.
const protocolError = (type: string): Error =>
  new kafkajs.KafkaJSProtocolError(Object.assign(new Error(`the broker says ${type}`), { type, code: 1 }))
const wrapped = (cause: Error): Error => new kafkajs.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 0, retryTime: 0 })

describe('errors', () => {
  test('the protocol names them, wrapped or not', () => {
    expect(protocolCode(protocolError('OFFSET_OUT_OF_RANGE'))).toBe('OFFSET_OUT_OF_RANGE')
    expect(protocolCode(wrapped(protocolError('NOT_LEADER_FOR_PARTITION')))).toBe('NOT_LEADER_FOR_PARTITION')
    expect(protocolCode(new Unsent('no', { cause: wrapped(protocolError('NOT_LEADER_FOR_PARTITION')) }))).toBe('NOT_LEADER_FOR_PARTITION')
    expect(protocolCode(new Error('socket hang up'))).toBeNull()
    expect(protocolCode('text')).toBeNull()
  })

  test.each([
    ['a refusal of the broker', protocolError('NOT_LEADER_FOR_PARTITION'), false],
    ['too few replicas before the append', protocolError('NOT_ENOUGH_REPLICAS'), false],
    ['too few replicas after the append', protocolError('NOT_ENOUGH_REPLICAS_AFTER_APPEND'), true],
    ['a time-out of the broker', protocolError('REQUEST_TIMED_OUT'), true],
    ['an error that is not known', protocolError('UNKNOWN'), true],
    ['a connection that never was', new Unsent('no connection', { cause: new Error('refused') }), false],
    ['a connection that broke', new Error('closed'), true],
    ['our own refusal', new LogError('unavailable', 'no'), false],
  ])('%s', (_what, error, written) => {
    expect(mayBeWritten(error)).toBe(written)
    expect(mayBeWritten(wrapped(error))).toBe(written || error instanceof LogError || error instanceof Unsent)
  })

  test('what is too large, and what is hopeless', () => {
    expect(isTooLarge(wrapped(protocolError('MESSAGE_TOO_LARGE')))).toBe(true)
    expect(isTooLarge(protocolError('REQUEST_TIMED_OUT'))).toBe(false)
    expect(isRefusedConnection(wrapped(Object.assign(new Error('no'), { name: 'KafkaJSSASLAuthenticationError' })))).toBe(true)
    expect(isRefusedConnection(Object.assign(new Error('no'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }))).toBe(true)
    expect(isRefusedConnection(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))).toBe(false)
  })

  test('the reason is the innermost one, on one line; a ring of causes ends', () => {
    expect(reasonOf(new Error('outer', { cause: new Error('inner\n  reason') }))).toBe('inner reason')
    const ring = new Error('ring')
    ring.cause = ring
    expect(reasonOf(ring)).toBe('ring')
  })
})

describe('time', () => {
  test('pauses double up to their bound and start again', () => {
    const longest = new Backoff(() => 0)
    expect(Array.from({ length: 9 }, () => longest.next())).toEqual([20, 40, 80, 160, 320, 640, 1280, 2000, 2000])
    longest.reset()
    expect(longest.next()).toBe(20)
    const shortest = new Backoff(() => 1)
    expect([shortest.next(), shortest.next()]).toEqual([10, 20])
  })

  test('pauses end with their owner', async () => {
    const pauses = new Pauses()
    const waiting = pauses.wait(600_000)
    pauses.end()
    expect(await Promise.all([waiting, pauses.wait(600_000)])).toHaveLength(2)
  })

  test('a call that does not answer is late', async () => {
    await expect(within(Promise.withResolvers<never>().promise, 5, 'waiting')).rejects.toThrow('waiting took over 5 ms')
    expect(await within(Promise.resolve(7), 60_000, 'answering')).toBe(7)
  })
})
