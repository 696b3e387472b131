/** The judge of chaos runs on fabricated answers: what is right passes, and each kind of wrong is found. */
import { describe, expect, test } from 'vitest'
import { judgeDump } from '../../scripts/chaos/final-check.ts'
import { findingsIn } from '../../scripts/chaos/logs.ts'
import { type Answer, type Finding, Oracle } from '../../scripts/chaos/oracle.ts'

const setup = () => {
  const findings: Finding[] = []
  const oracle = new Oracle({ boundMs: 1000, report: (finding) => findings.push(finding) })
  const register = oracle.open('r')
  const at = (revision: number): string => `log:${revision}`
  const move = (revision: number, atMs = revision): void => {
    register.begin()
    oracle.moved(register, oracle.acknowledged(at(revision), atMs))
  }
  const answer = (revision: number, more: Partial<Answer>): void =>
    oracle.answered({
      server: 'cell',
      question: { kind: 'register', id: 'r' },
      found: [0],
      position: at(revision),
      stalenessMs: 0,
      after: -1,
      sentAtMs: 0,
      fenceMs: null,
      ...more,
    })
  const kinds = (): string[] => findings.map(({ kind }) => kind)
  return { oracle, register, move, answer, kinds }
}

const entry = (id: string) => ({ question: { kind: 'entry', id } }) as const

describe('a register', () => {
  test('is judged at the revision of the answer, by the move before it', () => {
    const { move, answer, kinds } = setup()
    move(5)
    move(9)
    answer(4, { found: [] })
    answer(5, { found: [0] })
    answer(8, { found: [0] })
    answer(9, { found: [1] })
    answer(9, { question: { kind: 'side', id: 'r', side: 1 }, found: true })
    answer(9, { question: { kind: 'side', id: 'r', side: 0 }, found: false })
    expect(kinds()).toEqual([])
  })

  test.each([
    ['nothing', 9, []],
    ['the side before', 9, [0]],
    ['both sides of a move: a record that is applied in part', 9, [0, 1]],
    ['a move that is yet to come', 8, [1]],
    ['something before the first move', 4, [0]],
  ] as const)('%s is wrong', (_name, revision, found) => {
    const { move, answer, kinds } = setup()
    move(5)
    move(9)
    answer(revision, { found })
    expect(kinds()).toEqual(['wrong-decision'])
  })

  test('one side asked alone, wrongly allowed and wrongly denied', () => {
    const { move, answer, kinds } = setup()
    move(5)
    answer(5, { question: { kind: 'side', id: 'r', side: 1 }, found: true })
    answer(5, { question: { kind: 'side', id: 'r', side: 0 }, found: false })
    expect(kinds()).toEqual(['wrong-decision', 'wrong-decision'])
  })

  test('an answer that a move under way decides is judged when that is over', () => {
    const { oracle, register, move, answer, kinds } = setup()
    move(5)
    register.begin()
    answer(9, { found: [0] })
    expect(kinds()).toEqual([])
    oracle.moved(register, oracle.acknowledged('log:8', 0))
    expect(kinds()).toEqual(['wrong-decision'])
    register.begin()
    answer(20, { found: [1] })
    oracle.moved(register, oracle.acknowledged('log:21', 0))
    expect(kinds()).toHaveLength(1)
  })

  test('a refused move has no effect', () => {
    const { oracle, register, move, answer, kinds } = setup()
    move(5)
    register.begin()
    register.refuse()
    oracle.settled(register)
    answer(9, { found: [0] })
    expect(kinds()).toEqual([])
    answer(9, { found: [1] })
    expect(kinds()).toEqual(['wrong-decision'])
  })

  test('a move of unknown outcome may have an effect, whole, and only behind what was acknowledged', () => {
    const { oracle, register, move, answer, kinds } = setup()
    move(5)
    move(9)
    register.begin()
    register.lose()
    oracle.settled(register)
    expect(register.isRetired).toBe(true)
    answer(20, { found: [1] })
    answer(20, { found: [0] })
    expect(kinds()).toEqual([])
    answer(20, { found: [0, 1] })
    answer(20, { found: [] })
    answer(8, { found: [1] })
    expect(kinds()).toEqual(['wrong-decision', 'wrong-decision', 'wrong-decision'])
  })
})

describe('an entry', () => {
  test('that was acknowledged is there from its revision on: an answer without it has lost it', () => {
    const { oracle, answer, kinds } = setup()
    oracle.ledger.begin('e')
    oracle.ledger.acknowledge('e', oracle.acknowledged('log:5', 0))
    answer(5, { ...entry('e'), found: true })
    answer(4, { ...entry('e'), found: false })
    expect(kinds()).toEqual([])
    answer(6, { ...entry('e'), found: false })
    answer(4, { ...entry('e'), found: true })
    expect(kinds()).toEqual(['lost-write', 'wrong-decision'])
  })

  test('that was repeated may have been there before', () => {
    const { oracle, answer, kinds } = setup()
    oracle.ledger.begin('e')
    oracle.ledger.begin('e')
    oracle.ledger.acknowledge('e', oracle.acknowledged('log:5', 0))
    answer(4, { ...entry('e'), found: true })
    answer(4, { ...entry('e'), found: false })
    expect(kinds()).toEqual([])
    answer(5, { ...entry('e'), found: false })
    expect(kinds()).toEqual(['lost-write'])
  })

  test('that nobody wrote, or whose only request was refused, is not there', () => {
    const { oracle, answer, kinds } = setup()
    oracle.ledger.begin('e')
    oracle.ledger.refuse('e')
    answer(9, { ...entry('e'), found: false })
    answer(9, { ...entry('never'), found: false })
    expect(kinds()).toEqual([])
    answer(9, { ...entry('e'), found: true })
    answer(9, { ...entry('never'), found: true })
    expect(kinds()).toEqual(['wrong-decision', 'wrong-decision'])
  })
})

describe('positions', () => {
  test('an answer from before the position that was asked for', () => {
    const { move, answer, kinds } = setup()
    move(5)
    answer(5, { after: 5 })
    expect(kinds()).toEqual([])
    answer(5, { after: 6 })
    expect(kinds()).toEqual(['token-violated'])
  })

  test('a revision that was given twice, one that goes back, and another log', () => {
    const { oracle, move, kinds } = setup()
    move(5)
    move(5)
    expect(kinds()).toEqual(['broken-order', 'broken-order'])
    oracle.acknowledged('other:9', 0)
    expect(kinds()).toHaveLength(3)
    oracle.acknowledged('nonsense', 0)
    expect(kinds().at(-1)).toBe('unexpected-answer')
  })
})

describe('age', () => {
  test('counts from the first acknowledged write that the state lacks, up to when the question was sent', () => {
    const { move, answer, kinds } = setup()
    move(5, 100)
    move(7, 200)
    move(9, 3000)
    // 3,100 - 200 = 2,900 ms, of which 1,900 are told and 1,000 need not be.
    answer(6, { sentAtMs: 3100, stalenessMs: 1900, found: [0] })
    answer(6, { sentAtMs: 3100, stalenessMs: null, found: [0] })
    answer(9, { sentAtMs: 90_000, stalenessMs: 0, found: [0] })
    expect(kinds()).toEqual([])
    answer(6, { sentAtMs: 3100, stalenessMs: 1899, found: [0] })
    expect(kinds()).toEqual(['unflagged-stale'])
  })

  test('is right when acknowledgements overtake each other', () => {
    const { oracle } = setup()
    for (const [revision, atMs] of [
      [9, 100],
      [5, 300],
      [7, 200],
    ] as const)
      oracle.acknowledgements.add(revision, atMs)
    expect(oracle.acknowledgements.ageMs(4, 1000)).toBe(900)
    expect(oracle.acknowledgements.ageMs(7, 1000)).toBe(900)
    expect(oracle.acknowledgements.ageMs(9, 1000)).toBe(0)
    expect(oracle.acknowledgements.add(7, 400)).toBe(false)
  })

  test('a server that was told to refuse old states must', () => {
    const { move, answer, kinds } = setup()
    move(5)
    answer(5, { fenceMs: 2000, stalenessMs: 2250 })
    expect(kinds()).toEqual([])
    answer(5, { fenceMs: 2000, stalenessMs: 2251 })
    answer(5, { fenceMs: 2000, stalenessMs: null })
    expect(kinds()).toEqual(['fence-ignored', 'fence-ignored'])
  })
})

describe('the state at the end', () => {
  const ended = () => {
    const { oracle, move } = setup()
    oracle.ledger.begin('e')
    oracle.ledger.acknowledge('e', oracle.acknowledged('log:3', 0))
    move(5)
    return {
      oracle,
      judge: (revision: number, roles: Readonly<Record<string, readonly string[]>>) =>
        judgeDump(
          { server: 'cell', revision, roles: new Map(Object.entries(roles).map(([user, documents]) => [user, new Set(documents)])) },
          oracle,
        ).map(({ kind }) => kind),
    }
  }

  test('holds everything, and nothing else', () => {
    expect(ended().judge(5, { entries: ['e'], r: ['r-0'] })).toEqual([])
  })

  test.each([
    ['an entry is missing', 5, { r: ['r-0'] }, 'lost-write'],
    ['a move is missing', 5, { entries: ['e'] }, 'lost-write'],
    ['it does not reach the last acknowledged write', 4, { entries: ['e'] }, 'lost-write'],
    ['an entry is there that nobody wrote', 5, { entries: ['e', 'x'], r: ['r-0'] }, 'wrong-decision'],
  ] as const)('%s', (_name, revision, roles, kind) => {
    expect(ended().judge(revision, roles)).toContain(kind)
  })
})

test('log lines that no fault excuses', () => {
  const line = (msg: string): string => JSON.stringify({ level: 50, msg })
  expect(findingsIn('cell', [line('remote-failed'), 'arctos serves', '{"half', line('ready')].join('\n'))).toEqual([])
  expect(findingsIn('cell', [line('bug'), line('state-hash-mismatch'), '    at f (file:///a.ts:1:1)'].join('\n'))).toHaveLength(3)
})
