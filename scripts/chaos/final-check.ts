/** After the last fault: every acknowledged write is in every cell, nothing else is, and all cells agree. */
import { setTimeout as pause } from 'node:timers/promises'
import { at } from '../../src/base/assert.ts'
import type { Target } from './load-options.ts'
import type { Finding, Oracle } from './oracle.ts'
import type { Side } from './register.ts'
import { documentOf, entryReader } from './world.ts'

export interface Dump {
  readonly server: string
  readonly revision: number
  /** Documents by reader. */
  readonly roles: ReadonlyMap<string, ReadonlySet<string>>
}

/** Attempts to get every cell at one revision: a write of unknown outcome may still come. */
const TRIES = 20
const PAUSE_MS = 250

export const checkEnd = async (cells: readonly Target[], oracle: Oracle): Promise<readonly Finding[]> => {
  let dumps: readonly Dump[] = []
  for (let tries = 0; tries < TRIES; tries++) {
    dumps = await Promise.all(cells.map(dump))
    if (new Set(dumps.map(({ revision }) => revision)).size === 1) break
    await pause(PAUSE_MS)
  }
  return [...dumps.flatMap((one) => judgeDump(one, oracle)), ...disagreements(dumps)]
}

/** Whether a state holds all that was acknowledged at its revision, and nothing that nobody wrote. */
export const judgeDump = ({ server, revision, roles }: Dump, oracle: Oracle): readonly Finding[] => {
  const findings: Finding[] = []
  const { lastRevision } = oracle.acknowledgements
  if (revision < lastRevision)
    findings.push({ kind: 'lost-write', detail: `${server} ends at ${revision}, acknowledged was ${lastRevision}` })
  const entries = roles.get(entryReader) ?? new Set()
  const lost = oracle.ledger.acknowledged.filter((id) => oracle.ledger.holds(id, revision) === true && !entries.has(id))
  for (const id of lost) findings.push({ kind: 'lost-write', detail: `${server} at ${revision} lacks the acknowledged entry ${id}` })
  for (const id of entries)
    if (oracle.ledger.holds(id, revision) === false)
      findings.push({ kind: 'wrong-decision', detail: `${server} at ${revision} has the entry ${id}, which nobody wrote` })
  for (const register of oracle.registers) {
    const documents = roles.get(register.id) ?? new Set()
    const sides = ([0, 1] as const).filter((side) => documents.has(documentOf(register.id, side)))
    const possible = register.possible(revision) ?? []
    if (possible.some((expected) => expected.join() === sides.join())) continue
    findings.push({
      kind: 'lost-write',
      detail: `${server} at ${revision} has ${register.id} on ${text(sides)}, expected ${possible.map(text).join(' or ')}`,
    })
  }
  return findings
}

const text = (sides: readonly Side[]): string => JSON.stringify(sides)

const disagreements = (dumps: readonly Dump[]): readonly Finding[] => {
  const first = at(dumps, 0)
  return dumps.slice(1).flatMap((other): readonly Finding[] => {
    if (other.revision !== first.revision)
      return [{ kind: 'not-recovered', detail: `${other.server} is at ${other.revision}, ${first.server} at ${first.revision}` }]
    return flat(other) === flat(first)
      ? []
      : [{ kind: 'wrong-decision', detail: `${other.server} and ${first.server} differ at ${first.revision}` }]
  })
}

const flat = ({ roles }: Dump): string =>
  JSON.stringify([...roles].map(([reader, documents]) => [reader, ...[...documents].toSorted()].join(' ')).toSorted())

const dump = async ({ name, url, key }: Target): Promise<Dump> => {
  const response = await fetch(`${url}/api/facts?predicate=has_role`, { headers: { Authorization: `Bearer ${key}` } })
  const revision = Number((response.headers.get('Arctos-Revision') ?? '').split(':').at(-1))
  if (!response.ok || !Number.isInteger(revision)) throw new Error(`${name} tells no facts: ${response.status} ${await response.text()}`)
  // The one cast: what this endpoint answers.
  const facts = (await response.json()) as readonly { readonly args: readonly { readonly id: string }[] }[]
  const roles = new Map<string, Set<string>>()
  for (const { args } of facts) {
    const [reader, document] = [at(args, 0).id, at(args, 2).id]
    const documents = roles.get(reader) ?? new Set()
    roles.set(reader, documents.add(document))
  }
  return { server: name, revision, roles }
}
