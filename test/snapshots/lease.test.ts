/** The lease of publishers, on clocks of the test's own. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Lease, leaseKey } from '../../snapshots/lease.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { at } from '../../src/base/assert.ts'
import { contentOf, refusal } from './object-store-conformance.ts'
import { faultyStore, type StoreFault, store2Winners } from './store-faults.ts'

const STANDSTILL_MS = 10_000

interface Clock {
  ms: number
}

let ids = 0
const open = (objects: ObjectStore, clock: Clock, holder = 'cell', lines: string[] = []): Lease =>
  new Lease({
    objects,
    holder,
    standstillMs: STANDSTILL_MS,
    platform: { monotonicMs: () => clock.ms, newId: () => String(ids++), log: (_level, event) => lines.push(event) },
  })

interface LeaseContent {
  readonly epoch: number
  readonly holder: string | null
  readonly counter: number
}

const stateOf = async (objects: ObjectStore): Promise<LeaseContent> =>
  JSON.parse(new TextDecoder().decode((await contentOf(objects, leaseKey)) ?? undefined)) as LeaseContent

describe('a lease', () => {
  test('is had by the first, kept by renewing, and not had by another', async () => {
    const objects = memoryObjectStore()
    const [mine, theirs] = [{ ms: 5 }, { ms: 3_600_000_000 }]
    const [first, second] = [open(objects, mine), open(objects, theirs)]
    expect(first.epoch).toBeNull()
    for (let round = 1; round <= 20; round++) {
      expect(await first.renew()).toBe(1)
      expect(first.epoch).toBe(1)
      expect((await stateOf(objects)).counter).toBe(round)
      expect(await second.renew()).toBeNull()
      expect(second.epoch).toBeNull()
      mine.ms += 3000
      theirs.ms += 3000
    }
  })

  test('is taken over when its counter stood still for long enough on one`s own clock, under the next epoch', async () => {
    const objects = memoryObjectStore()
    const [mine, theirs] = [{ ms: 0 }, { ms: -3_600_000 }]
    const [first, second] = [open(objects, mine), open(objects, theirs)]
    await first.renew()
    expect(await second.renew()).toBeNull()
    theirs.ms += STANDSTILL_MS - 1
    expect(await second.renew()).toBeNull()
    theirs.ms += 1
    expect(await second.renew()).toBe(2)
    mine.ms += 1
    // It does not know yet, and finds out.
    expect(first.epoch).toBe(1)
    expect(await first.renew()).toBeNull()
    expect(first.epoch).toBeNull()
    expect(await second.renew()).toBe(2)
  })

  test('is known to be lost by its own clock alone', async () => {
    const clock = { ms: 0 }
    const lease = open(memoryObjectStore(), clock)
    await lease.renew()
    clock.ms += STANDSTILL_MS - 1
    expect(lease.epoch).toBe(1)
    clock.ms += 1
    expect(lease.epoch).toBeNull()
    expect(await lease.renew()).toBe(1)
    expect(lease.epoch).toBe(1)
  })

  test('a look that took long is no standstill', async () => {
    const objects = memoryObjectStore()
    const clock = { ms: 0 }
    let slowMs = 0
    const slow = faultyStore(objects, () => {
      clock.ms += slowMs
      return null
    })
    const [first, second] = [open(objects, { ms: 0 }), open(slow, clock)]
    await first.renew()
    slowMs = STANDSTILL_MS * 2
    // The first look ended just before the second began, and between them little time passed.
    expect(await second.renew()).toBeNull()
    expect(await second.renew()).toBeNull()
    clock.ms += STANDSTILL_MS
    slowMs = 0
    expect(await second.renew()).toBe(2)
  })

  test('that was given back is taken at once; only the holder can give it back', async () => {
    const objects = memoryObjectStore()
    const clock = { ms: 0 }
    const [first, second, third] = [open(objects, clock), open(objects, clock), open(objects, clock)]
    await first.renew()
    await second.renew()
    await second.release()
    expect(await second.renew()).toBeNull()
    await first.release()
    expect(first.epoch).toBeNull()
    expect(await second.renew()).toBe(2)
    await first.release()
    expect(await third.renew()).toBeNull()
  })

  test('two processes of one name are two holders', async () => {
    const objects = memoryObjectStore()
    const clock = { ms: 0 }
    const [first, second] = [open(objects, clock, 'the same'), open(objects, clock, 'the same')]
    expect(await first.renew()).toBe(1)
    expect(await second.renew()).toBeNull()
    expect(await first.renew()).toBe(1)
    expect((await stateOf(objects)).holder).toMatch(/^the same#/)
  })

  test('a renewal whose outcome is unknown is found out by the next', async () => {
    const objects = memoryObjectStore()
    const clock = { ms: 0 }
    let fault: StoreFault = null
    const lease = open(
      faultyStore(objects, ({ operation }) => (operation === 'put' ? fault : null)),
      clock,
    )
    for (const [kind, counter] of [
      ['lost', 2],
      ['failed', 3],
      ['lost', 5],
    ] as const) {
      fault = kind
      expect(await refusal(lease.renew())).toBe('unavailable')
      fault = null
      expect(await lease.renew()).toBe(1)
      expect((await stateOf(objects)).counter).toBe(counter)
      clock.ms += 1000
    }
    fault = 'failed'
    expect(await refusal(lease.renew())).toBe('unavailable')
    expect(lease.epoch).toBe(1)
    clock.ms += STANDSTILL_MS
    expect(lease.epoch).toBeNull()
  })

  test('that was deleted begins above the manifests that were seen', async () => {
    const objects = memoryObjectStore()
    const lease = open(objects, { ms: 0 })
    await lease.renew()
    lease.outrank(7)
    expect(await lease.renew()).toBe(8)
    expect(await lease.renew()).toBe(8)
    await objects.delete(leaseKey)
    const next = open(objects, { ms: 0 })
    expect(await next.renew()).toBe(1)
    expect(await lease.renew()).toBeNull()
    next.outrank(8)
    expect(await next.renew()).toBe(9)
  })

  test('that is unreadable is replaced after a standstill', async () => {
    for (const garbage of ['', '{', '{"epoch":1}', '{"epoch":1,"holder":"x","counter":1,"more":1}', 'x'.repeat(1000)]) {
      const objects = memoryObjectStore()
      const clock = { ms: 0 }
      const lines: string[] = []
      const lease = open(objects, clock, 'cell', lines)
      await objects.put(leaseKey, new TextEncoder().encode(garbage))
      expect(await lease.renew()).toBeNull()
      expect(lines).toEqual(['lease-unreadable'])
      clock.ms += STANDSTILL_MS
      expect(await lease.renew()).toBe(1)
      expect(await lease.renew()).toBe(1)
    }
  })
})

/** Processes with clocks of their own take steps in any order; some calls fail, some are paused in the middle. */
const simulate = async (script: readonly Step[], isTwoWinners: boolean): Promise<void> => {
  const real = memoryObjectStore()
  const shared = isTwoWinners ? store2Winners(real, () => true) : real
  const faults: StoreFault[] = [null, null, null]
  const clocks = [{ ms: 0 }, { ms: 3_600_000 }, { ms: -3_600_000 }]
  const leases = clocks.map((clock, index) =>
    open(
      faultyStore(shared, ({ operation }) => (operation === 'put' ? (faults[index] ?? null) : null)),
      clock,
      `cell ${index}`,
    ),
  )
  const running = new Set<Promise<unknown>>()
  let highest = 0
  for (const { who, passMs, fault, isConcurrent } of script) {
    for (const clock of clocks) clock.ms += passMs
    faults[who] = fault
    const renewal = at(leases, who)
      .renew()
      .then((epoch) => {
        if (epoch === null) return
        // Epochs never begin again, whoever has them.
        expect(epoch).toBeGreaterThanOrEqual(isTwoWinners ? 1 : highest)
        highest = Math.max(highest, epoch)
      })
      .catch((error: unknown) => expect(error).toMatchObject({ name: 'StoreError', code: 'unavailable' }))
    running.add(renewal)
    if (isConcurrent) continue
    await Promise.all(running)
    running.clear()
    const holders = leases.filter(({ epoch }) => epoch !== null)
    if (!isTwoWinners) expect(new Set(holders.map(({ epoch }) => epoch)).size).toBe(holders.length)
  }
  await Promise.all(running)
  await settle(leases, faults, clocks)
}

/** Whatever happened: when all is well, and each has asked again, one of them has it, and keeps it. */
const settle = async (leases: readonly Lease[], faults: StoreFault[], clocks: readonly Clock[]): Promise<void> => {
  faults.fill(null)
  const round = async (): Promise<readonly (number | null)[]> => {
    const epochs: (number | null)[] = []
    for (const lease of leases) epochs.push(await lease.renew())
    for (const clock of clocks) clock.ms += STANDSTILL_MS / 4
    return epochs
  }
  for (let count = 0; count < 6; count++) await round()
  const before = await round()
  expect(before.filter((epoch) => epoch !== null)).toHaveLength(1)
  expect(await round()).toEqual(before)
}

interface Step {
  readonly who: number
  readonly passMs: number
  readonly fault: StoreFault
  readonly isConcurrent: boolean
}

const scripts = fc.array(
  fc.record({
    who: fc.nat(2),
    passMs: fc.constantFrom(0, 1, 3000, STANDSTILL_MS, STANDSTILL_MS * 3),
    fault: fc.constantFrom<StoreFault[]>(null, null, null, 'failed', 'lost'),
    isConcurrent: fc.boolean(),
  }),
  { maxLength: 30 },
)

test('of any holders with any clocks and faults one has the lease in the end, and no two the same epoch', async () => {
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => simulate(script, false)),
    { numRuns: 300 },
  )
})

test('over a server that lets two win, one has it after the next renewals', async () => {
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => simulate(script, true)),
    { numRuns: 300 },
  )
})

test('two winners of one race notice it at once', async () => {
  const objects = store2Winners(memoryObjectStore(), () => true)
  const leases = [open(objects, { ms: 0 }), open(objects, { ms: 0 })]
  const taken = await Promise.all(leases.map(async (lease) => lease.renew()))
  expect(taken.filter((epoch) => epoch !== null)).toHaveLength(1)
  const renewed = [await at(leases, 0).renew(), await at(leases, 1).renew()]
  expect(renewed).toEqual(taken)
})

test('a winner whose write came late takes nothing from the other but one renewal', async () => {
  const objects = memoryObjectStore()
  const [first, second] = [open(objects, { ms: 0 }), open(objects, { ms: 0 })]
  expect(await first.renew()).toBe(1)
  const late = await contentOf(objects, leaseKey)
  await objects.delete(leaseKey)
  expect(await second.renew()).toBe(1)
  // The server had let both in.
  await objects.put(leaseKey, late ?? new Uint8Array())
  expect(await second.renew()).toBeNull()
  expect(second.epoch).toBeNull()
  expect(await first.renew()).toBe(1)
})
