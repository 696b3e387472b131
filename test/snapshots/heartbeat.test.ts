/** Heartbeats, and what followers make of them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Heartbeat,
  HeartbeatError,
  heartbeatKey,
  parseHeartbeat,
  printHeartbeat,
  readHeartbeat,
  writeHeartbeat,
} from '../../snapshots/heartbeat.ts'
import { HeartbeatWatch } from '../../snapshots/heartbeat-watch.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { StoreError } from '../../snapshots/object-store.ts'

const beat = (head: number, seenAtMs: number, more: Partial<Heartbeat> = {}): Heartbeat => ({
  head,
  seenAtMs,
  intervalMs: 1000,
  environments: { shop: head },
  ...more,
})

test('a heartbeat comes back as it was written', async () => {
  const objects = memoryObjectStore()
  expect(await readHeartbeat(objects, '0')).toBeNull()
  const heartbeat = beat(7, 1_700_000_000_000, { environments: { shop: 5, __proto__x: 0, control: -1 } })
  await writeHeartbeat(objects, '0', heartbeat)
  expect((await objects.list('')).map(({ key }) => key)).toEqual(['heartbeats/0.json'])
  const read = await readHeartbeat(objects, '0')
  if (read === null || read === 'unchanged') throw new Error('it is there')
  expect(read.heartbeat).toEqual(heartbeat)
  expect(await readHeartbeat(objects, '0', read.version)).toBe('unchanged')
  expect(heartbeatKey('a/b')).toBe('heartbeats/a%2Fb.json')
})

test('heartbeats are printed and parsed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        head: fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
        seenAtMs: fc.nat(),
        intervalMs: fc.nat(),
        environments: fc.dictionary(fc.stringMatching(/^[a-z0-9_-]{1,20}$/), fc.integer({ min: -1, max: 1e9 })),
      }),
      async (heartbeat) => {
        expect(parseHeartbeat(printHeartbeat(heartbeat))).toEqual(heartbeat)
      },
    ),
  )
})

test('what is no heartbeat is refused with the reason', () => {
  for (const [content, reason] of [
    ['', 'no JSON'],
    ['[]', 'no object'],
    ['{"head":1}', '`seenAtMs`'],
    ['{"head":"1","seenAtMs":1,"intervalMs":1,"environments":{}}', '`head`'],
    ['{"head":1,"seenAtMs":1,"intervalMs":-1,"environments":{}}', '`intervalMs`'],
    ['{"head":1,"seenAtMs":1,"intervalMs":1,"environments":{"shop":"x"}}', '`shop`'],
    ['{"head":1,"seenAtMs":1,"intervalMs":1,"environments":{},"more":1}', '`more`'],
  ] as const) {
    const parse = (): Heartbeat => parseHeartbeat(new TextEncoder().encode(content))
    expect(parse).toThrow(HeartbeatError)
    expect(parse).toThrow(reason)
  }
})

test('a heartbeat that is too large is not read', async () => {
  const objects = memoryObjectStore()
  await objects.put(heartbeatKey('0'), new Uint8Array(9 * 1024 * 1024))
  await expect(readHeartbeat(objects, '0')).rejects.toThrow(StoreError)
})

describe('staleness', () => {
  const watching = (): {
    readonly clock: { ms: number }
    readonly watch: HeartbeatWatch
    readonly look: (heartbeat: Heartbeat, through: number) => number | null
  } => {
    const clock = { ms: 500_000 }
    const watch = new HeartbeatWatch('shop', () => clock.ms)
    return {
      clock,
      watch,
      look: (heartbeat, through) => {
        watch.see(heartbeat, through, clock.ms)
        return watch.stalenessMs()
      },
    }
  }

  test('is unknown before a change was seen: what is there may be of any age', () => {
    const { clock, watch, look } = watching()
    expect(watch.stalenessMs()).toBeNull()
    expect(look(beat(5, 100), 5)).toBeNull()
    clock.ms += 1000
    expect(look(beat(5, 100), 5)).toBeNull()
    clock.ms += 1000
    // By the clock of the writer this one is an hour younger, which says nothing.
    expect(look(beat(5, 3_600_100), 5)).toBe(1000)
    clock.ms += 4000
    expect(watch.stalenessMs()).toBe(5000)
  })

  test('counts from the look before when that is longer ago than the interval', () => {
    const { clock, look } = watching()
    look(beat(5, 100), 5)
    clock.ms += 30_000
    expect(look(beat(5, 200), 5)).toBe(30_000)
    clock.ms += 10
    expect(look(beat(5, 201), 5)).toBe(1000)
  })

  test('counts a heartbeat that was long on its way from when it was written', () => {
    const { clock, look } = watching()
    look(beat(5, 0), 5)
    clock.ms += 1000
    expect(look(beat(5, 1000), 5)).toBe(1000)
    for (let second = 0; second < 5; second++) {
      clock.ms += 1000
      look(beat(5, 1000), 5)
    }
    // Written a second after the one before, and four more on its way.
    expect(look(beat(5, 2000), 5)).toBe(4000)
    clock.ms += 1000
    expect(look(beat(5, 7000), 5)).toBe(1000)
  })

  test('is unknown until the head of a change is reached', () => {
    const { clock, look } = watching()
    look(beat(5, 1), 3)
    clock.ms += 1000
    expect(look(beat(5, 2), 3)).toBeNull()
    clock.ms += 1000
    expect(look(beat(5, 3), 4)).toBeNull()
    // Both changes are reached at once; the later one counts.
    expect(look(beat(5, 3), 5)).toBe(1000)
  })

  test('of a copy that is always a little behind is that little', () => {
    const { clock, look } = watching()
    look(beat(0, 0), 0)
    const told: (number | null)[] = []
    for (let round = 1; round <= 100; round++) {
      clock.ms += 1000
      told.push(look(beat(round, round), round - 2))
    }
    expect(new Set(told.slice(3))).toEqual(new Set([3000]))
  })

  test('of an idle environment does not wait for the heads of others', () => {
    const { clock, look } = watching()
    look(beat(5, 1, { environments: { shop: 5 } }), 5)
    clock.ms += 1000
    expect(look(beat(900, 2, { environments: { shop: 5, other: 900 } }), 5)).toBe(1000)
    clock.ms += 1000
    expect(look(beat(901, 3, { environments: { shop: 901 } }), 5)).toBe(2000)
    clock.ms += 1000
    // Not named: it has to reach the head.
    expect(look(beat(902, 4, { environments: {} }), 901)).toBe(2000)
    expect(look(beat(902, 4, { environments: {} }), 902)).toBe(1000)
  })

  test('a heartbeat that goes back proves nothing, what follows it does', () => {
    const { clock, look } = watching()
    look(beat(50, 1), 60)
    clock.ms += 1000
    expect(look(beat(40, 2), 60)).toBeNull()
    clock.ms += 1000
    expect(look(beat(41, 3), 60)).toBe(1000)
  })
})

/** A log, a writer of heartbeats, a publisher and a follower, each at its own pace. */
interface Step {
  readonly what: 'append' | 'append elsewhere' | 'beat' | 'publish' | 'look begins' | 'look ends'
  readonly passMs: number
}

test('what is told is never less than what is true', async () => {
  const steps = fc.array(
    fc.record({
      what: fc.constantFrom<Step['what'][]>(
        'append',
        'append elsewhere',
        'beat',
        'beat',
        'publish',
        'look begins',
        'look ends',
        'look ends',
      ),
      passMs: fc.constantFrom(0, 1, 300, 1000, 20_000),
    }),
    { minLength: 40, maxLength: 120 },
  )
  let told = 0
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: -3_600_000, max: 3_600_000 }), async (script, skewMs) => {
      const world = new World(skewMs)
      for (const step of script) {
        const { stalenessMs, trueStalenessMs } = world.take(step)
        if (stalenessMs === null) continue
        expect(stalenessMs).toBeGreaterThanOrEqual(trueStalenessMs)
        told++
      }
    }),
    { numRuns: 500 },
  )
  // The property says something only when staleness was known.
  expect(told).toBeGreaterThan(1000)
})

class World {
  #ms = 10_000_000
  #head = 0
  #own = 0
  /** When each own record was appended. */
  readonly #appendedAtMs: number[] = []
  #heartbeat: Heartbeat
  #published = 0
  #looking: { readonly heartbeat: Heartbeat; readonly atMs: number } | null = null
  #through = 0
  readonly #skewMs: number
  readonly #watch: HeartbeatWatch

  constructor(skewMs: number) {
    this.#skewMs = skewMs
    this.#heartbeat = this.#beat()
    this.#watch = new HeartbeatWatch('shop', () => this.#ms)
  }

  take({ what, passMs }: Step): { readonly stalenessMs: number | null; readonly trueStalenessMs: number } {
    this.#ms += passMs
    if (what === 'append') {
      this.#head++
      this.#own = this.#head
      this.#appendedAtMs[this.#head] = this.#ms
    } else if (what === 'append elsewhere') this.#head++
    else if (what === 'beat') this.#heartbeat = this.#beat()
    else if (what === 'publish') this.#published = this.#head
    else if (what === 'look begins') this.#looking ??= { heartbeat: this.#heartbeat, atMs: this.#ms }
    else if (this.#looking !== null) {
      this.#through = this.#published
      this.#watch.see(this.#looking.heartbeat, this.#through, this.#looking.atMs)
      this.#looking = null
    }
    return { stalenessMs: this.#watch.stalenessMs(), trueStalenessMs: this.#trueStalenessMs() }
  }

  #beat(): Heartbeat {
    return { head: this.#head, seenAtMs: Math.max(0, this.#ms + this.#skewMs), intervalMs: 1000, environments: { shop: this.#own } }
  }

  /** Since when there is something that the copy lacks. */
  #trueStalenessMs(): number {
    for (let revision = this.#through + 1; revision <= this.#own; revision++) {
      const atMs = this.#appendedAtMs[revision]
      if (atMs !== undefined) return this.#ms - atMs
    }
    return 0
  }
}
