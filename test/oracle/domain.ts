/** The active domain: every value of policy, facts and question, and two fresh ids per type, which stand for all the others. */
import type { Fact, Value } from '../../src/base/value.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import { typeNames, writtenValues } from './program.ts'

/** Values by type. */
export type Domain = ReadonlyMap<string, readonly Value[]>

export const domainOf = (policy: CheckedPolicy, facts: readonly Fact[], extra: readonly Value[], unixSeconds: number): Domain => {
  const values = [...writtenValues(policy), ...facts.flatMap(({ args }) => args), ...extra]
  const ids = new Map<string, Set<string>>()
  for (const type of [...typeNames(policy), 'String', ...values.map((value) => value.type)]) if (!ids.has(type)) ids.set(type, new Set())
  for (const { type, id } of values) ids.get(type)?.add(id)
  for (const [type, known] of ids) for (const id of freshIds(type, known)) known.add(id)
  ids.set('Boolean', new Set(['true', 'false']))
  ids.set('Integer', integers([...(ids.get('Integer') ?? []), String(unixSeconds)]))
  return new Map([...ids].map(([type, known]) => [type, [...known].map((id): Value => ({ type, id }))]))
}

const freshIds = (type: string, known: ReadonlySet<string>): string[] => {
  if (type === 'Integer' || type === 'Boolean') return []
  const fresh: string[] = []
  for (let number = 1; fresh.length < 2; number++) if (!known.has(`fresh-${number}`)) fresh.push(`fresh-${number}`)
  return fresh
}

/** Each one that occurs, its neighbours, and one far beyond either end. */
const integers = (ids: readonly string[]): Set<string> => {
  const known = [0n, ...ids.map(BigInt)]
  const [low, high] = [known.reduce((a, b) => (a < b ? a : b)), known.reduce((a, b) => (a > b ? a : b))]
  const near = [...known.flatMap((number) => [number - 1n, number, number + 1n]), low - 10n, high + 10n]
  return new Set(near.filter((number) => number >= -(2n ** 63n) && number < 2n ** 63n).map(String))
}
