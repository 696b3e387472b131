/** Rests follow work, and only work. */
import { expect, test } from 'vitest'
import { hurry, noHurry, Rests } from '../../snapshots/node/rests.ts'

const workFor = (durationMs: number): void => {
  for (const untilMs = performance.now() + durationMs; performance.now() < untilMs; );
}

test('a turn is followed by a rest that is longer than it was', () => {
  const rests = new Rests(noHurry())
  for (let round = 0; round < 5; round++) {
    rests.begin()
    workFor(2)
    const startMs = performance.now()
    rests.rest()
    expect(performance.now() - startMs).toBeGreaterThan(2)
  }
})

test('whoever waited has nothing to rest from', () => {
  const rests = new Rests(noHurry())
  workFor(20)
  rests.begin()
  let rested = 0
  // One of many may be stopped between the two.
  for (let round = 0; round < 50; round++) {
    rests.begin()
    const startMs = performance.now()
    rests.rest()
    if (performance.now() - startMs > 1) rested++
  }
  expect(rested).toBeLessThan(25)
})

test('in a hurry there are none', () => {
  const hurried = noHurry()
  const rests = new Rests(hurried)
  hurry(hurried)
  let rested = 0
  for (let round = 0; round < 10; round++) {
    rests.begin()
    workFor(5)
    const startMs = performance.now()
    rests.rest()
    if (performance.now() - startMs > 5) rested++
  }
  expect(rested).toBeLessThan(5)
})
