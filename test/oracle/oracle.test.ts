/** The oracle's own parts, and proof that its checks can fail. */
import { describe, expect, test } from 'vitest'
import type { Value } from '../../src/base/value.ts'
import { contradictions, disagreements } from '../support/agreement.ts'
import { validPolicy } from '../support/check.ts'
import { proveAll } from '../support/proof.ts'
import type { Asked, Question } from '../support/question.ts'
import { answer } from '../support/question.ts'
import type { Element } from './element.ts'
import { meet, someOf, valueElement, wildcardOf } from './element.ts'
import type { Oracle } from './oracle.ts'
import { createOracle } from './oracle.ts'
import { compareIds, compareTexts } from './sorting.ts'

const user = (id: string): Value => ({ type: 'User', id })
const repo = (id: string): Value => ({ type: 'Repo', id })

describe('elements', () => {
  const ana = valueElement(user('ana'))
  test.each<[string, Element, Element, Element | null]>([
    ['a value and itself', ana, ana, ana],
    ['two values', ana, valueElement(user('bob')), null],
    ['the same id of two types', ana, valueElement(repo('ana')), null],
    ['a value and its type', ana, wildcardOf(['Repo', 'User']), ana],
    ['a value and another type', wildcardOf(['Repo']), ana, null],
    ['two wildcards', wildcardOf(['A', 'B']), wildcardOf(['B', 'C']), wildcardOf(['B'])],
    ['wildcards of foreign types', wildcardOf(['A']), wildcardOf(['B']), null],
    ['a wildcard of every type', wildcardOf(null), wildcardOf(['B']), wildcardOf(['B'])],
    ['a wildcard and some value', wildcardOf(['A', 'B']), someOf(null), someOf(['A', 'B'])],
  ])('%s', (_, a, b, expected) => {
    expect(meet(a, b)).toEqual(expected)
    expect(meet(b, a)).toEqual(expected)
  })
})

test('ids are in the order of their UTF-8 bytes, a wildcard first', () => {
  const ids = ['b', '', '\u{1f600}', 'a', '￦', 'B', 'ab', 'é']
  const bytes = (text: string): string => [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  expect(ids.toSorted(compareTexts)).toEqual(ids.toSorted((a, b) => (bytes(a) < bytes(b) ? -1 : 1)))
  expect(['a', null, '!'].sort(compareIds)).toEqual([null, '!', 'a'])
})

const policy = validPolicy(`
  actor User {}
  resource Repo { roles = ["reader"]; permissions = ["read", "star"]; "read" if "reader"; }
  has_permission(_: User, "star", repo: Repo) if listed(repo);
`)
const facts = [
  { predicate: 'has_role', args: [user('ana'), { type: 'String', id: 'reader' }, repo('acme')] },
  { predicate: 'listed', args: [repo('acme')] },
]
const context = { contextFacts: [], unixSeconds: 0 }
const questions: Asked[] = [
  { kind: 'list', actor: user('ana'), action: 'read', type: 'Repo' } satisfies Question,
  { kind: 'authorize', actor: user('bob'), action: 'read', resource: repo('acme') } satisfies Question,
  { kind: 'actions', actor: user('ana'), resource: repo('acme') } satisfies Question,
].map((question) => ({ question, ...context }))

describe('checks that can fail', () => {
  const oracle = createOracle(policy, facts)

  test('the oracle agrees with itself, and is proved', () => {
    expect(disagreements(oracle, oracle, questions)).toEqual([])
    expect(contradictions(oracle, { actor: user('ana'), action: 'read', resource: repo('acme') }, context)).toEqual([])
    expect(proveAll(policy, facts, oracle, questions)).toMatchObject({ proved: 3, unproved: 0, failures: [] })
  })

  test.each<[string, Partial<Oracle>]>([
    ['a grant too many', { authorize: () => true }],
    ['an id too few', { list: () => [] }],
    ['a wildcard instead of ids', { list: () => ['*'] }],
    ['actions out of order', { actions: () => ['star', 'read'] }],
    ['an answer where there is none', { list: () => ['acme', 'zulu'] }],
    [
      'an error',
      {
        list: () => {
          throw new Error('planted')
        },
      },
    ],
  ])('%s is told', (_, wrong) => {
    expect(disagreements({ ...oracle, ...wrong }, oracle, questions)).toHaveLength(1)
  })

  test.each<[string, Partial<Oracle>]>([
    ['authorize against the others', { authorize: () => false }],
    ['list against the others', { list: () => [] }],
    ['query against the others', { query: () => [] }],
    ['pages against the list', { listPage: () => ({ ids: ['acme', 'acme'], more: false }) }],
  ])('%s is told', (_, wrong) => {
    expect(contradictions({ ...oracle, ...wrong }, { actor: user('ana'), action: 'read', resource: repo('acme') }, context)).not.toEqual([])
  })

  test.each<[string, Oracle['answers']]>([
    [
      'a row that is not true',
      (open, request) => [...oracle.answers(open, request), open.variables.map(() => valueElement(user('mallory')))],
    ],
    ['a wildcard that is not true', (open) => [open.variables.map(({ type }) => wildcardOf(type === null ? null : [type]))]],
    ['a missing row', () => []],
  ])('%s is refuted by the ground model', (_, answers) => {
    expect(proveAll(policy, facts, { ...oracle, answers }, questions.slice(0, 1)).failures).toHaveLength(1)
  })

  test('a program that is not stratified is noticed by the ground model', () => {
    const [rule] = policy.rules
    const looped = {
      ...policy,
      rules: policy.rules.map((each) =>
        each === rule
          ? { ...each, disjuncts: each.disjuncts.map(({ literals }) => ({ literals: [...literals, negationOf(each)] })) }
          : each,
      ),
    }
    expect(() => proveAll(looped, facts, oracle, questions)).toThrow('not stratified')
  })
})

const negationOf = (rule: (typeof policy)['rules'][number]): (typeof policy)['rules'][number]['disjuncts'][number]['literals'][number] => ({
  kind: 'not',
  disjuncts: [{ literals: [{ kind: 'call', predicate: rule.predicate, args: rule.params, span: rule.span }] }],
  span: rule.span,
})

describe('recursion', () => {
  const ring = validPolicy(`
    actor User {}
    resource Node {}
    reach(a: Node, b: Node) if edge(a, b);
    reach(a: Node, c: Node) if b matches Node and reach(a, b) and reach(b, c);
    even(a: Node, c: Node) if b matches Node and odd(a, b) and edge(b, c);
    odd(a: Node, c: Node) if edge(a, c);
    odd(a: Node, c: Node) if b matches Node and even(a, b) and edge(b, c);
  `)
  const node = (number: number): Value => ({ type: 'Node', id: `n${number % 6}` })
  const edges = Array.from({ length: 6 }, (_, index) => ({ predicate: 'edge', args: [node(index), node(index + 1)] }))
  const oracle = createOracle(ring, edges)

  test.each([
    ['reach', 'reach(Node:n0, x)', 'n0, n1, n2, n3, n4, n5'],
    ['odd', 'odd(Node:n0, x)', 'n1, n3, n5'],
    ['even', 'even(Node:n0, x)', 'n0, n2, n4'],
  ])('%s ends on a ring', (predicate, _, expected) => {
    const query = {
      calls: [{ predicate, args: ['#0', 'x'] }],
      constraints: { '#0': { type: 'Node', ids: ['n0'] }, x: { type: 'Node', ids: null } },
    }
    expect(answer(oracle, { question: { kind: 'query', query }, ...context }).text).toBe(expected)
  })
})
