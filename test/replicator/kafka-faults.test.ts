/** The log on Kafka while its broker is killed, stopped, away, or loses its end. */
import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type KafkaServer, startKafka } from '../../scripts/servers/kafka.ts'
import { known } from '../../src/base/assert.ts'
import { everything, refusal } from '../log/log-conformance.ts'
import { type LogLine, openLog, openTestLog, testKafka, testPlace } from '../support/kafka.ts'
import { listen } from '../support/published.ts'
import { appended, checkKept, note, startLoad, writeIds } from './kafka-load.ts'

const kafka = await testKafka()
const server = (): KafkaServer => known(kafka, 'a broker')

describe.skipIf(kafka === null)('a broker that is killed and started again', () => {
  test('loses no acknowledged append, and everything goes on by itself', async () => {
    const log = await openTestLog(testPlace(server()))
    const heard = listen(log)
    const load = await startLoad(log, { a: 1, b: 1, c: 2 })
    await load.more(50)
    for (let kill = 0; kill < 2; kill++) {
      await server().kill()
      await pause(300)
      await server().start()
      await load.more(50)
    }
    await load.end()
    await checkKept(load, log, heard)
  })
})

describe.skipIf(kafka === null)('a broker that stands still', () => {
  test('leaves the outcome of an append unknown, staleness grows, and the same write id may be appended again', async () => {
    const log = await openTestLog(testPlace(server()))
    onTestFinished(() => server().thaw())
    log.assign('e', 1)
    await log.append('e', note('before'))
    await expect.poll(() => log.stalenessMs('e')).not.toBeNull()
    await server().freeze()
    const started = performance.now()
    const refused = [log.append('e', note('unknown')), log.read('e', -1, 10)].map(async (work) => refusal(work))
    expect(await Promise.all(refused)).toEqual(['unknown-outcome', 'unavailable'])
    const frozenMs = performance.now() - started
    expect(log.stalenessMs('e')).toBeGreaterThan(frozenMs - 1000)
    server().thaw()
    const again = await appended(log, 'e', 'unknown')
    const after = await log.append('e', note('after'))
    expect(after).toBeGreaterThan(again)
    const found = writeIds(await everything(log, 'e'))
    expect([...new Set(found)]).toEqual(['before', 'unknown', 'after'])
    await expect.poll(() => log.stalenessMs('e') ?? Infinity).toBeLessThan(frozenMs)
  })
})

describe.skipIf(kafka === null)('a broker that is away', () => {
  test('a known log opens, refuses for the time being, and goes on when the broker is back', async () => {
    const place = testPlace(server())
    const first = await openLog(place)
    first.assign('e', 1)
    const revision = await first.append('e', note('1'))
    await first.close()
    await server().kill()
    const lines: LogLine[] = []
    const unknown = refusal(openLog(place))
    const log = await openTestLog(place, { logId: first.logId, lines })
    const heard = listen(log)
    log.assign('e', 1)
    expect(log.logId).toBe(first.logId)
    expect(log.stalenessMs('e')).toBeNull()
    expect(await refusal(log.append('e', note('2')))).toBe('unavailable')
    expect(await refusal(log.read('e', -1, 10))).toBe('unavailable')
    expect(await refusal(log.bounds('e'))).toBe('unavailable')
    expect(await unknown).toBe('unavailable')
    await server().start()
    await expect.poll(() => log.stalenessMs('e'), { timeout: 30_000 }).not.toBeNull()
    expect(await log.bounds('e')).toEqual({ first: 0, last: revision })
    const next = await appended(log, 'e', '2')
    await heard.until(() => heard.head('e') === next)
    expect(writeIds(heard.records('e'))).toEqual(['2'])
    expect(lines.map(({ event }) => event)).toContain('log-unavailable')
  })

  test('a known log that turns out to be another one fails for good', async () => {
    const place = testPlace(server())
    const first = await openLog(place)
    await first.close()
    await server().kill()
    const log = await openTestLog(place, { logId: 'known' })
    const heard = listen(log)
    log.assign('e', 1)
    await server().start()
    await heard.until(() => heard.failure('e') !== null)
    expect(heard.failure('e')?.code).toBe('diverged')
    expect(await refusal(log.append('e', note('1')))).toBe('diverged')
    expect(await refusal(log.read('e', -1, 10))).toBe('diverged')
  })
})

describe.skipIf(kafka === null)('a log that was cut off', () => {
  const segmentOf = (topic: string, partition: number): string => {
    const folder = join(server().directory, 'data', `${topic}-${partition}`)
    return join(
      folder,
      known(
        readdirSync(folder).find((name) => name.endsWith('.log')),
        'a segment',
      ),
    )
  }

  test.each([
    ['is noticed', 0],
    ['is noticed although it has grown again', 5],
  ])('%s', async (_what, regrown) => {
    const place = testPlace(server())
    const log = await openTestLog(place)
    const heard = listen(log)
    log.assign('e', 1)
    const segment = segmentOf(`${place.topicPrefix}.log`, 1)
    await log.bounds('e')
    await log.append('e', note('kept'))
    const keptBytes = statSync(segment).size
    for (const id of ['lost1', 'lost2']) await log.append('e', note(id))
    await heard.until(() => heard.records('e').length === 3)
    await server().kill()
    truncateSync(segment, keptBytes)
    if (regrown > 0) {
      // Under another address, so that this log does not see it grow.
      const elsewhere = await startKafka({ directory: server().directory })
      const other = await openLog({ ...place, brokers: [elsewhere.address] }, { logId: log.logId })
      other.assign('e', 1)
      for (let index = 0; index < regrown; index++) await other.append('e', note(`other${index}`))
      await other.close()
      await elsewhere.kill('SIGTERM')
    }
    await server().start()
    await heard.until(() => heard.failure('e') !== null)
    expect(heard.failure('e')?.code).toBe('diverged')
    expect(heard.failure('e')?.message).toContain('was cut off or made anew')
    expect(writeIds(heard.records('e'))).toEqual(['kept', 'lost1', 'lost2'])
    expect(await refusal(log.append('e', note('next')))).toBe('diverged')

    // Loaded from a snapshot and assigned again, it is followed from there.
    log.assign('e', 1)
    const { last } = await log.bounds('e')
    expect(last).toBe(regrown)
    const next = await appended(log, 'e', 'next')
    expect(next).toBe(regrown + 1)
    await heard.until(() => heard.head('e') === next)
    expect(writeIds(heard.records('e')).at(-1)).toBe('next')
  })
})
