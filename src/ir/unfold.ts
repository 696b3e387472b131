/** Puts one rule in the place of a condition of another, and tells whether a rule holds wherever another does. */
import { at } from '../base/assert.ts'
import type { CallAtom, Instance } from './instance.ts'
import { follow, nodeKey, sameTerm, type Term, variableIds } from './terms.ts'

/** A condition of an unfolded rule, and whether it comes from the rule that was put in. */
interface Part {
  readonly key: string
  readonly args: readonly Term[]
  readonly isInner: boolean
}

/** A rule whose conditions are calls. `isWhole`: there were no others, and every variable of the head stands in one of them. */
export interface Unfolded {
  readonly head: readonly Term[]
  readonly parts: readonly Part[]
  readonly isWhole: boolean
}

interface Comparison {
  /** Conditions of the general rule's inner rule take no two times the same condition from outside the special one's inner rule. */
  readonly once: boolean
  /** How many conditions may still be compared, by this comparison and those after it. */
  readonly effort: { left: number }
}

type Rule = Pick<Instance, 'head' | 'atoms'>

/** The rule as it stands. */
export const asUnfolded = ({ head, atoms }: Rule): Unfolded => {
  const parts = callsOf(atoms).map((atom) => part(atom, atom.args, false))
  return { head, parts, isWhole: parts.length === atoms.length && isBoundBy(head, parts) }
}

/** The outer rule with its condition at `index` replaced by the conditions of a rule of the called predicate; null when the two never meet. */
export const unfold = (outer: Rule, index: number, inner: Rule): Unfolded | null => {
  const call = at(outer.atoms, index)
  if (call.kind !== 'call') return null
  const links = new Map<string, Term>()
  for (const [position, arg] of call.args.entries()) if (!unify(links, arg, renamed(at(inner.head, position)))) return null
  const resolve = (term: Term): Term => follow(links, term)
  const resolveInner = (term: Term): Term => resolve(renamed(term))
  const others = callsOf(outer.atoms).filter((atom) => atom !== call)
  const parts = [
    ...others.map((atom) => part(atom, atom.args.map(resolve), false)),
    ...callsOf(inner.atoms).map((atom) => part(atom, atom.args.map(resolveInner), true)),
  ]
  const head = outer.head.map(resolve)
  const isWhole = parts.length === outer.atoms.length - 1 + inner.atoms.length && isBoundBy(head, parts)
  return { head, parts, isWhole }
}

/** Whether every case of the special rule is one of the general rule: its conditions are all found among those of the special one (Chandra and Merlin, STOC 1977).
 * Finding them can take exponential time: false when the effort is used up. */
export const covers = (general: Unfolded, special: Unfolded, how: Comparison): boolean => {
  how.effort.left -= 1
  if (how.effort.left <= 0) return false
  const links = new Map<string, Term>()
  if (!general.head.every((term, index) => matches(links, term, at(special.head, index)))) return false
  return new Cover(general.parts, special.parts, how).from(0, links, new Set())
}

class Cover {
  readonly #general: readonly Part[]
  readonly #special: readonly Part[]
  readonly #how: Comparison

  constructor(general: readonly Part[], special: readonly Part[], how: Comparison) {
    this.#general = general
    this.#special = special
    this.#how = how
  }

  from(index: number, links: ReadonlyMap<string, Term>, used: ReadonlySet<Part>): boolean {
    const wanted = this.#general[index]
    if (!wanted) return true
    return this.#special.some((found) => {
      if (found.key !== wanted.key || this.#how.effort.left <= 0) return false
      this.#how.effort.left -= 1
      const counts = this.#how.once && wanted.isInner && !found.isInner
      if (counts && used.has(found)) return false
      const next = new Map(links)
      if (!wanted.args.every((term, position) => matches(next, term, at(found.args, position)))) return false
      return this.from(index + 1, next, counts ? new Set([...used, found]) : used)
    })
  }
}

const callsOf = (atoms: Instance['atoms']): CallAtom[] => atoms.filter((atom) => atom.kind === 'call')

const part = (atom: CallAtom, args: readonly Term[], isInner: boolean): Part => ({
  key: nodeKey(atom.predicate, atom.classes),
  args,
  isInner,
})

/** No name of a policy has such a sign. */
const renamed = (term: Term): Term => (term.kind === 'variable' ? { kind: 'variable', id: `${term.id}^` } : term)

const unify = (links: Map<string, Term>, left: Term, right: Term): boolean => {
  const a = follow(links, left)
  const b = follow(links, right)
  if (sameTerm(a, b)) return true
  if (a.kind === 'variable') links.set(a.id, b)
  else if (b.kind === 'variable') links.set(b.id, a)
  else return false
  return true
}

/** One way: only variables of the general side are given a meaning. */
const matches = (links: Map<string, Term>, general: Term, special: Term): boolean => {
  if (general.kind !== 'variable') return sameTerm(general, special)
  const known = links.get(general.id)
  if (known !== undefined) return sameTerm(known, special)
  links.set(general.id, special)
  return true
}

const isBoundBy = (head: readonly Term[], parts: readonly Part[]): boolean => {
  const bound = new Set(parts.flatMap(({ args }) => args.flatMap(variableIds)))
  return head.flatMap(variableIds).every((id) => bound.has(id))
}
