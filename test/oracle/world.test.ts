/** The world format reads what it writes. */
import { describe, expect, test } from 'vitest'
import { randomOf } from '../random/prng.ts'
import { randomQuestion } from '../random/random-questions.ts'
import { shrink, worldText } from '../random/shrink.ts'
import { validPolicy } from '../support/check.ts'
import { questionText } from '../support/question-text.ts'
import type { QuestionExpectation } from '../support/world.ts'
import { parseWorld } from '../support/world.ts'
import { cursorOf, expectEnd, readQuestion, readValue } from '../support/world-reader.ts'
import { valueText } from '../support/world-text.ts'
import { worlds } from '../support/worlds.ts'

const readBack = (text: string): ReturnType<typeof readQuestion> => {
  const cursor = cursorOf(text)
  const question = readQuestion(cursor)
  expectEnd(cursor)
  return question
}

test('every question of the corpus reads back as written', () => {
  const questions = worlds.flatMap(({ expectations }) =>
    expectations.filter((item): item is QuestionExpectation => item.kind === 'question'),
  )
  for (const { asked } of questions) expect(questionText(readBack(questionText(asked.question)))).toBe(questionText(asked.question))
  expect(questions.length).toBeGreaterThan(500)
})

test('every random question reads back as written', () => {
  const policy = validPolicy('actor User {} resource Doc {} p(u: User, d: Doc, n: Integer, b: Boolean) if q(u, d, n, b);')
  const random = randomOf(7)
  for (let count = 0; count < 500; count++) {
    const text = questionText(randomQuestion(random, policy))
    expect(questionText(readBack(text))).toBe(text)
  }
})

test.each([
  { type: 'User', id: 'ana' },
  { type: 'User', id: 'two words' },
  { type: 'User', id: '_' },
  { type: 'My::Type', id: 'a:b' },
  { type: 'User', id: '"; =,(){}' },
  { type: 'String', id: 'true' },
  { type: 'String', id: '42' },
  { type: 'String', id: 'a\nb\u0000' },
  { type: 'Integer', id: '-7' },
  { type: 'Boolean', id: 'true' },
])('value $type:$id', (value) => {
  expect(readValue(cursorOf(valueText(value)))).toEqual(value)
})

describe('mistakes in a world are told', () => {
  test.each([
    ['--- polices\n', 'unknown section'],
    ['--- facts\np(User:ana\n', 'expected'],
    ['--- facts\np(User:ana) q\n', 'unexpected'],
    ['--- expect\nauthorize User:ana read Doc:d\n', 'an answer'],
    ['--- expect\nask User:ana read Doc:d = true\n', 'unknown question'],
    ['--- facts\np(Integer:x)\n', 'no Integer'],
  ])('%j', (text, message) => {
    expect(() => parseWorld('wrong', text)).toThrow(message)
  })
})

test('context and clock count to the end of their section, lines may be continued', () => {
  const world = parseWorld('w', '--- expect\nnow 5\nwith p(User:a)\nlist User:a x T =\n  b,\n  c\n--- expect\nactions User:a T:b = none\n')
  const [first, second] = world.expectations
  expect(first).toMatchObject({ expected: 'b, c', asked: { unixSeconds: 5, contextFacts: [{ predicate: 'p' }] } })
  expect(second).toMatchObject({ expected: 'none', asked: { contextFacts: [] } })
})

test('shrinking keeps what a failure needs and writes it as a world', () => {
  const asked = {
    question: { kind: 'list', actor: { type: 'User', id: 'a' }, action: 'read', type: 'Doc' },
    contextFacts: [],
    unixSeconds: 2,
  } as const
  const items = ['p', 'q', 'r', 's', 't'].map((name) => ({
    kind: 'rule' as const,
    head: `${name}(x: User)`,
    parts: ['a(x)', 'b(x)', 'c(x)'],
  }))
  const facts = ['a', 'b', 'c'].map((predicate) => ({ predicate, args: [{ type: 'User', id: 'a' }] }))
  const needs = (text: string): boolean => text.includes('r(x: User) if b(x)') && text.includes('\nc(User:a)')
  const small = shrink({ items, facts, asked }, (candidate) => needs(worldText(candidate, '')), 1000)
  expect(worldText(small, 'none')).toBe(
    '--- policy\nr(x: User) if b(x);\n\n--- facts\nc(User:a)\n\n--- expect\nnow 2\nlist User:a read Doc = none\n',
  )
})
