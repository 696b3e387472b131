/** The chains of groups and the policy of 300 rules are what their figures say. */
import { expect, test } from 'vitest'
import { chain, chainPolicy, manyRules } from '../../scripts/bench/depth.ts'
import { validPolicy } from '../support/check.ts'

test('a chain has as many groups as it is deep, and is connected', () => {
  for (const depth of [5, 50]) {
    const { user, document, facts } = chain(depth, 1)
    const next = new Map(facts.map(({ args }) => [args[0]?.id, args[2]?.id]))
    const path = [user.id]
    for (let id = next.get(user.id); id !== undefined; id = next.get(id)) path.push(id)
    expect(path.length).toBe(depth + 2)
    expect(path.at(-1)).toBe(document.id)
  }
  expect(() => validPolicy(chainPolicy)).not.toThrow()
})

test('300 rules are written, under names of their own', () => {
  const [one, other] = [manyRules(1), manyRules(2)]
  const rules = one.text.split('\n').filter((line) => /^ {2}("\w+"|role) if /.test(line) || /^has_\w+\(/.test(line))
  expect(rules.length).toBe(300)
  expect(other.text).not.toContain(one.leaf)
  expect(() => validPolicy(one.text)).not.toThrow()
})
