/** The roster that long-lived things keep of what is in them for a moment. */
import { describe, expect, test } from 'vitest'
import { Roster } from '../../src/base/roster.ts'

describe('a roster', () => {
  test('holds who came and did not leave', () => {
    const roster = new Roster<string>()
    const [a, b] = [roster.add('a'), roster.add('b')]
    expect([roster.size, roster.entries()]).toEqual([
      2,
      [
        [a, 'a'],
        [b, 'b'],
      ],
    ])
    expect([roster.remove(a), roster.size, roster.entries()]).toEqual(['a', 1, [[b, 'b']]])
    expect([roster.remove(b), roster.size, roster.entries()]).toEqual(['b', 0, []])
  })

  test('a key is of one member alone, whoever takes the place', () => {
    const roster = new Roster<string>()
    const a = roster.add('a')
    roster.remove(a)
    const b = roster.add('b')
    expect(b).not.toBe(a)
    expect([roster.remove(a), roster.remove(b), roster.remove(b), roster.remove(12_345)]).toEqual([undefined, 'b', undefined, undefined])
  })

  test('gives places again, and different keys', () => {
    const roster = new Roster<number>()
    const keys = new Set<number>()
    const held: number[] = []
    for (let number = 0; number < 10_000; number++) {
      const key = roster.add(number)
      keys.add(key)
      held.push(key)
      // In no order, so that places are free in between.
      if (number % 3 !== 0) roster.remove(held.splice((number * 7) % held.length, 1)[0] ?? -1)
    }
    expect([keys.size, roster.size]).toEqual([10_000, held.length])
    expect(new Set(roster.entries().map(([key]) => key))).toEqual(new Set(held))
    expect([...keys].every((key) => Number.isSafeInteger(key) && key >= 0)).toBe(true)
  })

  test('who leaves while all are told is told all the same', () => {
    const roster = new Roster<() => void>()
    const told: string[] = []
    const first: number = roster.add(() => {
      told.push('first')
      roster.remove(second)
    })
    const second: number = roster.add(() => told.push('second'))
    for (const [, tell] of roster.entries()) tell()
    expect([told, roster.size]).toEqual([['first', 'second'], 1])
    expect(roster.remove(first)).toBeDefined()
  })
})
