/** Rounds of the bench: what counts of them, and what else the machine did. */
import { describe, expect, test } from 'vitest'
import { busyTicks, othersFigure, processTicks, quietHalf, ticksOfFamily, watchOthers } from '../../scripts/bench/others.ts'
import { forMs, paced } from '../../scripts/bench/pace.ts'
import { against, median, overRounds } from '../../scripts/bench/rounds.ts'

const round = (found: string, others: number) => ({ found, others })

describe('percentiles over rounds', () => {
  const steady = Array.from({ length: 100 }, (_, index) => index + 1)
  const disturbed = steady.map((sample) => sample * 1000)

  test('one disturbed round does not tell', () => {
    expect(overRounds([steady, disturbed, steady], 0.99)).toBe(100)
    expect(overRounds([disturbed, steady, disturbed], 0.99)).toBe(100_000)
  })

  test('a round without samples is a mistake, and so are no rounds', () => {
    expect(() => overRounds([steady, []], 0.5)).toThrow('a round has samples')
    expect(() => overRounds([], 0.5)).toThrow('a round has samples')
  })

  test('ratios are taken within each round', () => {
    const [one, two, four] = [1, 2, 4].map((times) => steady.map((sample) => sample * times))
    const pairs = [
      { without: one ?? [], during: two ?? [] },
      { without: two ?? [], during: four ?? [] },
      { without: four ?? [], during: four ?? [] },
    ]
    expect(against(pairs, 0.99)).toEqual({ value: 400, without: 200, ratio: 2 })
  })

  test('the median is a sample', () => expect(median([9, 1, 5])).toBe(5))
})

describe('what others do', () => {
  test('the rounds count in which they did the least, whatever was found', () => {
    const rounds = [round('busy', 1.5), round('quiet', 0), round('some', 0.2)]
    expect(quietHalf(rounds)).toEqual(['quiet', 'some'])
    expect(othersFigure('reads', '1m', rounds)).toMatchObject({ name: 'processors that others took from reads', value: 0.2 })
  })

  test('processors are busy with everything but idling and waiting', () => {
    expect(busyTicks('cpu  10 20 30 4000 500 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n')).toBe(10 + 20 + 30 + 6 + 7)
    expect(() => busyTicks('nothing')).toThrow('the kernel tells')
  })

  test('a process has a parent, and the times of its children that ended', () => {
    const stat = '12 (a) name) of (it) S 7 12 99 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0'
    expect(processTicks(stat)).toEqual({ parent: 7, ticks: 127 })
    expect(processTicks('')).toEqual({ parent: 0, ticks: 0 })
  })

  test('what the bench started is its own, also in a session of its own', () => {
    const stat = (pid: number, parent: number, session: number, ticks: number): string =>
      `${pid} (node) S ${parent} ${pid} ${session} 0 -1 0 0 0 0 0 ${ticks} 0 0 0 20 0 1 0 0`
    // The bench, a server behind a shell that leads a session, one of somebody else, and one that ended while the list was read.
    const stats = [stat(1, 0, 1, 1000), stat(50, 1, 50, 1), stat(60, 50, 60, 2), stat(61, 60, 60, 4), stat(70, 1, 50, 100), '']
    expect([50, 60, 61, 99].map((pid) => ticksOfFamily(stats, pid))).toEqual([7, 6, 4, 0])
  })

  test('this process is none of the others', () => {
    const others = watchOthers()
    const end = performance.now() + 50
    while (performance.now() < end);
    expect(others()).toBeGreaterThanOrEqual(0)
  })
})

describe('an open loop', () => {
  test('sends at its time, whatever became of those before', async () => {
    const answers: (() => void)[] = []
    const sent: number[] = []
    const running = paced({
      perSecond: 1000,
      goesOn: (count) => count < 5,
      send: (index) =>
        new Promise((resolve) => {
          sent.push(index)
          answers.push(() => resolve(index))
          // None is answered before all are sent.
          if (sent.length === 5) for (const answer of answers) answer()
        }),
    })
    expect(await running).toEqual([0, 1, 2, 3, 4])
    expect(sent).toEqual([0, 1, 2, 3, 4])
  })

  test('sends each as much later as it is told', async () => {
    const shifts = [0.5, 0, 0.9]
    const dueMs = [10, 20, 58]
    const startMs = performance.now()
    const sentMs: number[] = []
    const send = (): Promise<number> => {
      sentMs.push(performance.now() - startMs)
      return Promise.resolve(0)
    }
    await paced({ perSecond: 50, shift: () => shifts[sentMs.length] ?? 0, goesOn: (count) => count < shifts.length, send })
    expect(sentMs.map((atMs, index) => atMs >= (dueMs[index] ?? Number.NaN))).toEqual([true, true, true])
  })

  test('tells the first failure at its end', async () => {
    const send = (index: number) => (index === 1 ? Promise.reject(new Error('refused')) : Promise.resolve(0))
    await expect(paced({ perSecond: 1000, goesOn: (count) => count < 4, send })).rejects.toThrow('refused')
  })

  test('ends when its time is over', () => expect([forMs(10)(5, 9), forMs(10)(0, 10)]).toEqual([true, false]))
})
