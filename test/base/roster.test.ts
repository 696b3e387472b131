/** The roster that long-lived things keep of what is in them for a moment. */
import { describe, expect, test } from 'vitest'
import { Roster } from '../../src/base/roster.ts'

describe('a roster', () => {
  test('holds who came and did not leave', () => {
    const roster = new Roster<string>()
    const [a, b] = [roster.add('a'), roster.add('b')]
    expect([roster.size, roster.members()]).toEqual([2, ['a', 'b']])
    expect([roster.take(a), roster.size, roster.entries()]).toEqual(['a', 1, [{ key: b, member: 'b' }]])
    expect([roster.remove(b), roster.size, roster.members()]).toEqual([true, 0, []])
  })

  test('a key is of one member alone, whoever takes the place', () => {
    const roster = new Roster<string>()
    const a = roster.add('a')
    roster.remove(a)
    const b = roster.add('b')
    expect(b).not.toBe(a)
    expect([a, b, b, 12_345].map((key) => roster.take(key))).toEqual([undefined, 'b', undefined, undefined])
    expect([a, b].map((key) => roster.remove(key))).toEqual([false, false])
  })

  test('has as many places as were in at once, and gives different keys', () => {
    const roster = new Roster<number>()
    const keys = new Set<number>()
    const held: number[] = []
    let most = 0
    for (let number = 0; number < 10_000; number++) {
      const key = roster.add(number)
      keys.add(key)
      held.push(key)
      most = Math.max(most, held.length)
      // Some at once in no order, now and then all.
      if (number % 7 === 6) for (let left = 0; left < 6; left++) roster.remove(held.splice((number * 31 + left) % held.length, 1)[0] ?? -1)
      if (number % 1000 === 999) for (const old of held.splice(0)) roster.remove(old)
      expect(roster.size).toBe(held.length)
    }
    expect(keys.size).toBe(10_000)
    expect([...keys].every((key) => Number.isSafeInteger(key) && key >= 0)).toBe(true)
    expect(Math.max(...[...keys].map((key) => key % 2 ** 28))).toBe(most - 1)
  })

  test('who leaves while all are told is told all the same', () => {
    const roster = new Roster<() => void>()
    const told: string[] = []
    roster.add(() => {
      told.push('first')
      roster.remove(second)
    })
    const second: number = roster.add(() => told.push('second'))
    for (const tell of roster.members()) tell()
    expect([told, roster.size]).toEqual([['first', 'second'], 1])
  })
})
