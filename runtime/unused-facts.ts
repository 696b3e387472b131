/** Stored facts that the active policy does not use: they have no effect until a policy names them again. */
import type { FactSignature, SignaturePosition } from '../src/check/core.ts'
import type { FactTable } from '../src/store/facts.ts'
import type { PolicyMessage } from './policy-checker.ts'
import type { Environment } from './service.ts'

/** One warning per predicate and types with facts that no signature accepts. */
export const unusedFacts = ({ policy, store }: Pick<Environment, 'policy' | 'store'>): readonly PolicyMessage[] =>
  store.tables().flatMap((table) => {
    if (table.rows === 0) return []
    const matching = policy.signatures.filter((signature) => matches(signature, table))
    const unused = table.rows - usedRows(table, matching, store)
    if (unused <= 0) return []
    const signature = `${table.signature.predicate}(${table.signature.types.join(', ')})`
    const what = unused === 1 ? `1 fact ${signature} is` : `${unused} facts ${signature} are`
    return [{ text: `${what} no longer used`, hint: 'add a `declare` or delete them' }]
  })

const usedRows = (
  { signature: { predicate, types }, rows }: FactTable,
  matching: readonly FactSignature[],
  store: Environment['store'],
): number => {
  // A name can only stand at the second position, of a String.
  const names = matching.map(({ positions }) => positions[1]?.name ?? null)
  if (matching.length > 0 && names.includes(null)) return rows
  let used = 0
  for (const name of new Set(names)) {
    used += store.count({ predicate, args: types.map((type, index) => (index === 1 ? { type, id: name } : { type, id: null })) })
  }
  return used
}

const matches = ({ predicate, positions }: FactSignature, { signature }: FactTable): boolean =>
  predicate === signature.predicate &&
  positions.length === signature.types.length &&
  positions.every((position, index) => accepts(position, signature.types[index]))

const accepts = ({ types }: SignaturePosition, type: string | undefined): boolean =>
  types === null || (type !== undefined && types.includes(type))
