/** Tests and fixtures of a policy, checked and ready to run (polar.md 14). */
import { limits } from '../base/limits.ts'
import type { Fact } from '../base/value.ts'
import type { Fixture, Item, Name, Test } from '../polar/ast.ts'
import type { Span } from '../polar/source.ts'
import { checkAssertion } from './assertions.ts'
import type { CoreTest } from './core.ts'
import { didYouMean, type Report } from './report.ts'
import { checkFact, type TestContext } from './test-facts.ts'

export const checkTests = (items: readonly Item[], context: TestContext): CoreTest[] => {
  const fixtures = collectFixtures(items, context)
  const names = new Map<string, Span>()
  const tests: CoreTest[] = []
  const budget: Budget = { facts: 0, exceeded: false, unknownFixture: false }
  for (const item of items) {
    if (item.kind !== 'test') continue
    reportDuplicate('test', item.name, names, context.report)
    const facts = setupFacts(item, fixtures, budget, context)
    const assertions = item.assertions.flatMap((assertion) => checkAssertion(assertion, facts, context) ?? [])
    tests.push({ name: item.name.text, facts, assertions, span: item.span })
  }
  for (const { fixture, used } of fixtures.values()) {
    // A misspelled name may have meant it.
    if (used || budget.unknownFixture) continue
    context.report.warning('unused-fixture', fixture.name.span, `no test uses the fixture \`${fixture.name.text}\``)
  }
  return tests
}

interface FixtureState {
  readonly fixture: Fixture
  readonly facts: readonly Fact[]
  used: boolean
}

interface Budget {
  facts: number
  exceeded: boolean
  unknownFixture: boolean
}

const collectFixtures = (items: readonly Item[], context: TestContext): Map<string, FixtureState> => {
  const names = new Map<string, Span>()
  const fixtures = new Map<string, FixtureState>()
  for (const item of items) {
    if (item.kind !== 'fixture') continue
    reportDuplicate('fixture', item.name, names, context.report)
    const facts = item.facts.flatMap((fact) => checkFact(fact, context) ?? [])
    if (!fixtures.has(item.name.text)) fixtures.set(item.name.text, { fixture: item, facts, used: false })
  }
  return fixtures
}

const reportDuplicate = (kind: 'test' | 'fixture', name: Name, names: Map<string, Span>, report: Report): void => {
  const earlier = names.get(name.text)
  if (earlier === undefined) names.set(name.text, name.span)
  else {
    report.error('duplicate-test-or-fixture', name.span, `there are two ${kind}s named \`${name.text}\``, {
      labels: [{ span: earlier, message: 'the first one is here' }],
      hint: 'rename one',
    })
  }
}

const setupFacts = (test: Test, fixtures: ReadonlyMap<string, FixtureState>, budget: Budget, context: TestContext): readonly Fact[] => {
  const facts: Fact[] = []
  const included = new Set<FixtureState>()
  for (const part of test.setup) {
    if (part.kind === 'fact') {
      const fact = checkFact(part, context)
      if (fact !== null) facts.push(fact)
      continue
    }
    const fixture = fixtures.get(part.name.text)
    if (fixture === undefined) {
      budget.unknownFixture = true
      context.report.error('unknown-fixture', part.name.span, `there is no fixture \`${part.name.text}\``, {
        hint: didYouMean(part.name.text, () => fixtures.keys()),
      })
      continue
    }
    fixture.used = true
    if (included.has(fixture) || budget.exceeded) continue
    included.add(fixture)
    budget.facts += fixture.facts.length
    if (budget.facts > limits.testFacts) {
      budget.exceeded = true
      const message = `the tests have over ${limits.testFacts} setup facts, counting a fixture wherever it is used`
      context.report.error('policy-too-complex', part.name.span, message, { hint: 'make the fixtures smaller' })
      continue
    }
    for (const fact of fixture.facts) facts.push(fact)
  }
  return facts
}
