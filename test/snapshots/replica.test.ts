/** A replica takes records in turns and is replaced while it serves: nothing is lost, nothing goes back, and memory is given back. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { wait } from '../../snapshots/deadline.ts'
import { pause } from '../../snapshots/pause.ts'
import { RestoreNeeded, SwapError } from '../../snapshots/replica-error.ts'
import { ImageError } from '../../snapshots/store-pool.ts'
import { at } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import { ApplyError } from '../../src/log/apply.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import type { RecordBody, RestoreBody } from '../../src/log/record.ts'
import { applyTo, imageOf, storeOf, testPool } from '../support/image.ts'
import { facts, logRecord, wholeLog } from '../support/record.ts'
import { noReader, numbers, openReplica, policy, reader, reads, request, swapTo } from './replica-support.ts'

const rejection = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'resolved',
    (error: unknown) => error,
  )

const recordAt = (revision: number, body: RecordBody): RevisedRecord => ({ revision, record: logRecord(body, { writeId: `w${revision}` }) })

describe('taking records', () => {
  test('a small push is applied at once, a large one in turns, and none overtakes another', async () => {
    let waits = 0
    const { replica } = openReplica({}, () => void waits++)
    const many = numbers(40).map((index) => facts(...numbers(40).map((user) => reader(`u${index}-${user}`))))
    const log = wholeLog(policy(), facts(reader('ana')), ...many, facts(reader('zoe'), noReader('u0-0')))
    expect(replica.take(log.slice(0, 3), 2)).toBeUndefined()
    replica.start()
    expect(reads(replica, 'ana')).toBe(true)
    const large = replica.take(log.slice(3, -1), 50)
    const small = replica.take(log.slice(-1), 60)
    expect({ revision: replica.revision, behind: replica.isBehind }).toEqual({
      revision: 2 + Math.floor(limits.applyChanges / 40),
      behind: true,
    })
    await Promise.all([large, small])
    expect({ waits: waits >= 4, through: replica.through, behind: replica.isBehind }).toEqual({ waits: true, through: 60, behind: false })
    expect([reads(replica, 'zoe'), reads(replica, 'u0-0'), reads(replica, 'u39-39')]).toEqual([true, false, true])
    expect(replica.store.recomputeStateHash()).toBe(replica.store.stateHash())
  })

  test('only the position moves when there are no records', async () => {
    const { replica } = openReplica()
    await replica.take(wholeLog(), 0)
    const passed = replica.pass(17, null)
    await replica.take([], 17)
    expect(await passed).toBe(true)
    expect({ revision: replica.revision, through: replica.through, position: replica.position }).toEqual({
      revision: 0,
      through: 17,
      position: 'log.env:0',
    })
  })

  test('waiting for a revision ends when it is there, when time is up, and when the replica closes', async () => {
    const { replica } = openReplica()
    const log = wholeLog(policy(), facts(reader('ana')))
    const first = replica.reach(2, 60_000)
    const never = replica.reach(99, 5)
    await replica.take(log, 2)
    expect([await first, await never, replica.reach(2, 0)]).toEqual([true, false, true])
    const closing = replica.reach(99, 60_000)
    replica.close()
    expect(await closing).toBe(false)
    expect(() => replica.take([], 3)).toThrow(SwapError)
  })

  test('a record of another log is an incident; what is in front of it is applied, also a policy', async () => {
    const { replica } = openReplica()
    await replica.take(wholeLog(policy(), facts(reader('ana'))), 2)
    replica.start()
    const foreign = { revision: 4, record: logRecord(facts(reader('bob')), { logId: 'other', writeId: 'x' }) }
    expect(() => replica.take([recordAt(3, policy('# changed')), foreign], 4)).toThrow(ApplyError)
    expect({ revision: replica.revision, through: replica.through }).toEqual({ revision: 3, through: 2 })
    expect(replica.policy.files[0]?.text).toContain('# changed')
    expect(() => replica.take([recordAt(5, facts(reader('bob')))], 5)).toThrow(ApplyError)
    expect(replica.isBehind).toBe(false)
    replica.resume()
    await replica.take([recordAt(5, facts(reader('bob')))], 5)
    expect(reads(replica, 'bob')).toBe(true)
  })

  test('a policy that does not compile is a problem, not the end of the policy before it', async () => {
    const { replica } = openReplica()
    await replica.take(wholeLog(policy()), 1)
    replica.start()
    expect(replica.problem).toBeNull()
    await replica.take([recordAt(2, { kind: 'policy', source: 'not a policy', filename: null })], 2)
    expect(replica.problem).toBe('the active policy cannot be compiled by this version')
    await replica.take([recordAt(3, policy('# mended'))], 3)
    expect(replica.problem).toBeNull()
  })
})

describe('restore records', () => {
  const body: RestoreBody = { kind: 'restore', key: 'env/restore/1', sha256: '', storedBytes: 1, rawBytes: 1, stateHash: '', revision: 2 }
  const restored = (revision: number): Uint8Array =>
    imageOf(wholeLog(policy(), facts(reader('ana'))), (store) =>
      store.transaction(() => {
        store.rememberWrite(`w${revision}`, revision)
        store.setPosition('log', revision)
      }),
    )

  test('it stops in front of one, and goes on from the image that is loaded for it', async () => {
    const { replica, pool } = openReplica()
    await replica.take(wholeLog(policy(), facts(reader('ana'))), 2)
    replica.start()
    const records = [recordAt(3, facts(reader('bob'))), recordAt(5, body), recordAt(6, facts(reader('cid')))]
    expect(() => replica.take(records, 6)).toThrow(RestoreNeeded)
    expect({ revision: replica.revision, through: replica.through, bob: reads(replica, 'bob') }).toEqual({
      revision: 3,
      through: 4,
      bob: true,
    })
    expect(() => replica.take([recordAt(6, facts(reader('cid')))], 6)).toThrow(RestoreNeeded)
    // One that ends in front of the record does not help.
    const early = storeOf(pool, imageOf([...wholeLog(policy(), facts(reader('ana'))), recordAt(3, facts(reader('bob')))]))
    expect(await rejection(swapTo({ replica, pool }, early, 4))).toMatchObject({ code: 'behind' })
    await swapTo({ replica, pool }, storeOf(pool, restored(5)), 5)
    expect({ revision: replica.revision, bob: reads(replica, 'bob'), ana: reads(replica, 'ana') }).toEqual({
      revision: 5,
      bob: false,
      ana: true,
    })
    await replica.take(records, 6)
    expect({ revision: replica.revision, cid: reads(replica, 'cid'), bob: reads(replica, 'bob') }).toEqual({
      revision: 6,
      cid: true,
      bob: false,
    })
  })

  test('one that arrives while a swap is prepared stops the replica after it, too', async () => {
    const pushes: (() => void)[] = []
    const { replica, pool } = openReplica({}, () => pushes.shift()?.())
    await replica.take(wholeLog(policy(), facts(reader('ana'))), 2)
    replica.start()
    const failures: unknown[] = []
    pushes.push(() => {
      try {
        void replica.take([recordAt(3, facts(reader('bob'))), recordAt(4, body)], 4)
      } catch (error) {
        failures.push(error)
      }
    })
    await swapTo({ replica, pool }, storeOf(pool, imageOf(wholeLog(policy(), facts(reader('ana'))))), 2)
    expect(failures).toEqual([expect.any(RestoreNeeded)])
    expect({ revision: replica.revision, bob: reads(replica, 'bob') }).toEqual({ revision: 3, bob: true })
    expect(() => replica.take([recordAt(5, facts(reader('cid')))], 5)).toThrow(RestoreNeeded)
  })
})

describe('swaps', () => {
  const log = wholeLog(policy(), facts(reader('ana')), facts(reader('bob')), facts(reader('cid')), facts(noReader('ana')))

  test('records that arrive while it is prepared are in both; waiters and positions go on; the old memory is given back', async () => {
    const arriving = log.slice(3).map((record) => () => void replica.take([record], record.revision))
    const { replica, pool } = openReplica({}, () => arriving.shift()?.())
    await replica.take(log.slice(0, 3), 2)
    replica.start()
    const waiter = replica.reach(5, 60_000)
    const next = storeOf(pool, imageOf(log.slice(0, 3)))
    await swapTo({ replica, pool }, next, 2)
    while (arriving.length > 0) await pause()
    for (const push of arriving.splice(0)) push()
    expect(replica.store).toBe(next)
    expect([await waiter, replica.position, replica.through]).toEqual([true, 'log.env:5', 5])
    expect([reads(replica, 'ana'), reads(replica, 'bob'), reads(replica, 'cid')]).toEqual([false, true, true])
    expect(pool.use()).toMatchObject({ used: 1, idle: 1 })
  })

  test('an image that is ahead moves it on; records that it holds are skipped', async () => {
    const { replica, pool } = openReplica()
    await replica.take(log.slice(0, 3), 2)
    replica.start()
    const waiter = replica.reach(5, 60_000)
    await swapTo({ replica, pool }, storeOf(pool, imageOf(log)), 8)
    expect([await waiter, replica.revision, replica.through]).toEqual([true, 5, 8])
    await replica.take([...log.slice(3), recordAt(9, facts(reader('dan')))], 9)
    expect([reads(replica, 'ana'), reads(replica, 'cid'), reads(replica, 'dan')]).toEqual([false, true, true])
  })

  test('shapes in use are prepared before the switch', async () => {
    const { replica, pool } = openReplica()
    await replica.take(log, 5)
    replica.start()
    reads(replica, 'bob')
    const bob = { type: 'User', id: 'bob' }
    const asks = (): unknown[] => [
      reads(replica, 'bob'),
      replica.engine.list(bob, 'read', 'Repo', request),
      replica.engine.actions(bob, { type: 'Repo', id: 'r1' }, request),
      replica.engine.listPage(bob, 'read', { resourceType: 'Repo', size: 5000, after: null }, request),
      replica.engine.list(bob, 'read', 'Repo', {
        ...request,
        contextFacts: [{ predicate: 'has_role', args: [bob, { type: 'String', id: 'reader' }, { type: 'Repo', id: 'r9' }] }],
      }),
    ]
    const before = asks()
    const shapesOf = (): string[] =>
      replica.engine
        .hotShapes(100)
        .map((shape) => JSON.stringify({ ...shape, policy: null }))
        .toSorted()
    const shapes = shapesOf()
    expect(shapes.length).toBeGreaterThanOrEqual(4)
    const policyBefore = replica.policy
    await swapTo({ replica, pool }, storeOf(pool, imageOf(log)), 5)
    expect(replica.policy).toBe(policyBefore)
    expect(shapesOf()).toEqual(shapes)
    expect(asks()).toEqual(before)
    expect(shapesOf()).toEqual(shapes)
  })

  test('refused: behind, of another log, while another one runs, after closing', async () => {
    const { replica, pool } = openReplica()
    await replica.take(log, 5)
    replica.start()
    expect(await rejection(swapTo({ replica, pool }, storeOf(pool, imageOf(log.slice(0, 4))), 4))).toMatchObject({ code: 'behind' })
    const foreign = imageOf([{ revision: 9, record: logRecord({ kind: 'genesis' }, { logId: 'other', writeId: 'g' }) }])
    expect(await rejection(swapTo({ replica, pool }, storeOf(pool, foreign), 9))).toMatchObject({ code: 'foreign' })
    expect(await rejection(swapTo({ replica, pool }, pool.create(), 9))).toMatchObject({ code: 'foreign' })
    const first = swapTo({ replica, pool }, storeOf(pool, imageOf(log)), 5)
    expect(await rejection(swapTo({ replica, pool }, storeOf(pool, imageOf(log)), 5))).toMatchObject({ code: 'busy' })
    await first
    expect(pool.use().used).toBe(1)
    const closing = rejection(swapTo({ replica, pool }, storeOf(pool, imageOf(log)), 5))
    replica.close()
    expect(await closing).toMatchObject({ code: 'closed' })
    expect(await rejection(swapTo({ replica, pool }, storeOf(pool, imageOf(log)), 5))).toMatchObject({ code: 'closed' })
    expect(pool.use()).toMatchObject({ used: 0, idle: 2 })
  })

  test('a failed load leaves it as it was: a damaged image, a transfer that breaks off, no memory', async () => {
    const { replica, pool } = openReplica({ pool: testPool(16 * 1024 * 1024) })
    await replica.take(log, 5)
    replica.start()
    const image = imageOf(log)
    const damaged = async () => ({ store: storeOf(pool, new Uint8Array(image.length).fill(1)), through: 9 })
    expect(await rejection(replica.replace(damaged))).toBeInstanceOf(ImageError)
    const broken = async () => Promise.reject(new Error('the transfer broke off'))
    expect(await rejection(replica.replace(broken))).toEqual(new Error('the transfer broke off'))
    const large = async () => ({ store: storeOf(pool, new Uint8Array(20 * 1024 * 1024)), through: 9 })
    expect(await rejection(replica.replace(large))).toMatchObject({ name: 'SqlError', code: 7 })
    expect([replica.position, reads(replica, 'bob')]).toEqual(['log.env:5', true])
    await replica.take([recordAt(6, facts(reader('dan')))], 6)
    await swapTo({ replica, pool }, storeOf(pool, imageOf([...log, recordAt(6, facts(reader('dan')))])), 6)
    expect([replica.position, reads(replica, 'dan'), pool.use().used]).toEqual(['log.env:6', true, 1])
  })

  test('one that runs out of memory while it is prepared leaves it as it was', async () => {
    const { replica, pool } = openReplica({ pool: testPool(9 * 1024 * 1024) })
    await replica.take(log, 5)
    replica.start()
    const next = storeOf(pool, imageOf(log))
    const many = recordAt(6, facts(...Array.from({ length: 400 }, (_, index) => reader(`${'x'.repeat(300)}${index}`))))
    const swap = rejection(
      replica.replace(async () => {
        // So full that the first record does not fit.
        next.database.exec(`create table ballast (data text); insert into ballast values ('')`)
        for (let bytes = 1_000_000; bytes > 1000; bytes = Math.floor(bytes / 2)) {
          try {
            for (;;) next.database.exec(`insert into ballast values (hex(zeroblob(${Math.floor(bytes / 2)})))`)
          } catch {
            // Full for this size.
          }
        }
        await replica.take([many], 6)
        return { store: next, through: 5 }
      }),
    )
    expect(await swap).toMatchObject({ name: 'SqlError' })
    expect([replica.position, reads(replica, `${'x'.repeat(300)}7`)]).toEqual(['log.env:6', true])
    expect(pool.use().used).toBe(1)
  })

  test('more changes than are kept: given up, and the next one works', async () => {
    const { replica, pool } = openReplica()
    await replica.take(log, 5)
    replica.start()
    const image = imageOf(log)
    const changes = Array.from({ length: 50_000 }, () => reader('x'))
    const overtaken = replica.replace(async () => {
      for (let revision = 6; revision < 6 + Math.ceil((limits.swapChanges + 1) / changes.length); revision++) {
        await replica.take([recordAt(revision, facts(...changes))], revision)
      }
      return { store: storeOf(pool, image), through: 5 }
    })
    expect(await rejection(overtaken)).toMatchObject({ code: 'overtaken' })
    expect(reads(replica, 'x')).toBe(true)
    await swapTo({ replica, pool }, storeOf(pool, imageOf([...log, recordAt(6, facts(reader('x')))])), 99)
    expect([replica.through, reads(replica, 'x'), pool.use().used]).toEqual([99, true, 1])
  })

  test('by force: back in the same log, and what was pushed before does not follow', async () => {
    const { replica, pool } = openReplica()
    await replica.take(log, 5)
    replica.start()
    const many = numbers(30).map((index) => recordAt(6 + index, facts(...numbers(40).map((user) => reader(`q${index}-${user}`)))))
    const taking = replica.take(many, 40)
    await swapTo({ replica, pool }, storeOf(pool, imageOf(log.slice(0, 4))), 3, { force: true })
    await taking
    expect([replica.position, replica.through]).toEqual(['log.env:3', 3])
    expect([reads(replica, 'ana'), reads(replica, 'bob'), reads(replica, 'cid'), reads(replica, 'q29-0')]).toEqual([
      true,
      true,
      false,
      false,
    ])
    await replica.take(log.slice(4), 5)
    expect([reads(replica, 'ana'), reads(replica, 'cid')]).toEqual([false, true])
  })

  test('who entered keeps what it holds until it leaves, and the next swap waits for that', async () => {
    const { replica, pool } = openReplica()
    await replica.take(log, 5)
    replica.start()
    const leave = replica.enter()
    const held = replica.store
    await swapTo({ replica, pool }, storeOf(pool, imageOf(log)), 5)
    expect(held.facts({ predicate: null, args: [] }, false, 10)).toHaveLength(2)
    expect(pool.use().used).toBe(2)
    let isDone = false
    const second = replica.replace(async () => ({ store: storeOf(pool, imageOf(log)), through: 5 })).then(() => (isDone = true))
    for (let turn = 0; turn < 20; turn++) await pause()
    expect([isDone, pool.use().used]).toEqual([false, 2])
    leave()
    leave()
    await second
    expect(() => held.facts({ predicate: null, args: [] }, false, 10)).toThrow('a closed database was used')
    expect(pool.use()).toMatchObject({ used: 1, idle: 1 })
  })

  test('where requests are cut off, the next swap waits by itself for who entered, and not beyond the bound', async () => {
    const clock = { ms: 0 }
    const platform = { log: () => {}, pause, monotonicMs: () => clock.ms }
    const { replica, pool } = openReplica({ platform, holdMs: 100 })
    await replica.take(log, 5)
    replica.start()
    const replaced = () => replica.replace(async () => ({ store: storeOf(pool, imageOf(log)), through: 5 }))
    const waits = async (swap: Promise<void>): Promise<void> => {
      const state = { isDone: false }
      void swap.then(() => (state.isDone = true))
      for (let turn = 0; turn < 5; turn++) await wait(20)
      expect([state.isDone, pool.use().used]).toEqual([false, 2])
    }

    // Nothing will ever be heard of this one.
    replica.enter()
    const held = replica.store
    await replaced()
    clock.ms = 100
    const second = replaced()
    await waits(second)
    expect(held.facts({ predicate: null, args: [] }, false, 10)).toHaveLength(2)
    clock.ms = 101
    await second
    expect(() => held.facts({ predicate: null, args: [] }, false, 10)).toThrow('a closed database was used')

    const leave = replica.enter()
    await replaced()
    const fourth = replaced()
    await waits(fourth)
    leave()
    await fourth
    expect(pool.use()).toMatchObject({ used: 1, idle: 1 })
  })

  test('50 of them in a row: two instances in turns, and no more memory than after the first few', async () => {
    const { replica, pool } = openReplica()
    const many = facts(...numbers(5000).map((user) => reader(`many${user}`)))
    await replica.take([...log, recordAt(6, many)], 6)
    replica.start()
    const images = numbers(3).map((version) => imageOf([...log, recordAt(6, many), recordAt(7, facts(reader(`v${version}`)))]))
    const bytes: number[] = []
    for (let swap = 0; swap < 50; swap++) {
      reads(replica, 'bob')
      replica.engine.list({ type: 'User', id: 'bob' }, 'read', 'Repo', request)
      const image = at(images, swap % images.length)
      await replica.replace(async () => ({ store: storeOf(pool, image), through: 7 }))
      const { used, idle, bytes: now } = pool.use()
      expect({ used, idle }).toEqual({ used: 1, idle: 1 })
      bytes.push(now)
      expect(reads(replica, `v${swap % images.length}`)).toBe(true)
    }
    expect(bytes.at(-1)).toBe(at(bytes, 4))
  })

  test('any pushes and swaps give the state of the log', async () => {
    const bodies = Array.from({ length: 30 }, (_, index): RecordBody => {
      if (index % 11 === 5) return policy(`# version ${index}`)
      if (index === 17) return { kind: 'clear' }
      return facts(reader(`u${index % 7}`, `r${index}`), noReader(`u${index % 5}`, `r${index - 3}`))
    })
    const whole = wholeLog(policy(), ...bodies)
    const expected = testPool().create()
    applyTo(expected, whole)
    const images = new Map<number, Uint8Array>()
    const imageAt = (revision: number): Uint8Array => {
      const image = images.get(revision) ?? imageOf(whole.slice(0, revision + 1))
      images.set(revision, image)
      return image
    }
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 31, maxLength: 31 })
    const swaps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: -2, max: 6 })), { minLength: 12, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, swaps, async (pushes, attempts) => {
        let next = 0
        const push = (): void => {
          if (next >= whole.length) return
          const records = whole.slice(next, next + at(pushes, next % pushes.length))
          next += records.length
          void replica.take(records, next - 1)
        }
        const { replica, pool } = openReplica({}, push)
        push()
        replica.start()
        for (const [isPushed, ahead] of attempts) {
          if (isPushed) push()
          const from = replica.revision
          const revision = Math.max(0, Math.min(whole.length - 1, from + ahead))
          const failure = await rejection(swapTo({ replica, pool }, storeOf(pool, imageAt(revision)), revision))
          expect(failure).toSatisfy(
            (code) => code === 'resolved' || (revision < from && code instanceof SwapError && code.code === 'behind'),
          )
          expect(replica.revision).toBeGreaterThanOrEqual(from)
          expect(replica.store.stateHash()).toBe(replica.store.recomputeStateHash())
        }
        while (next < whole.length) push()
        expect(replica.store.stateHash()).toBe(expected.stateHash())
        expect(replica.policy.files[0]?.text).toContain('# version 27')
        replica.close()
        expect(pool.use().used).toBe(0)
      }),
      { numRuns: 40 },
    )
  })
})
