/** Finds what need not be followed because the program gets there in another order: who has a role on a folder through a group and the folder's parent has it through the parent and the group. */
import type { CallAtom, Instance } from './instance.ts'
import type { Specialiser } from './specialise.ts'
import { nodeKey, type PositionClass, sameTerm } from './terms.ts'
import { asUnfolded, covers, type Unfolded, unfold } from './unfold.ts'

/** Rules of one specialised predicate that are compared; more are all followed. */
const MAX_RULES = 40
/** Ways of two steps that are compared per predicate. */
const MAX_WAYS = 400
/** Conditions that are put together or compared per plan; what is not looked at by then is followed. Comparing long rules can take forever, and must never be why a question is refused. */
const MAX_EFFORT = 100_000

export interface SpecialisedPredicate {
  readonly predicate: string
  readonly classes: readonly PositionClass[]
}

/** A rule of a predicate, alone or with a rule of what it calls in the place of the call. */
interface Way {
  readonly first: Instance
  readonly second: Instance | null
  readonly rule: Unfolded
}

/** Sound for this reason. Where rule `r` calls what rule `q` derives, the same follows from rule `s` and then `r'`: a derivation with `q` below `r` is rewritten to one with `r'` below `s`.
 * Rewriting ends, because `s` ranks below `r`, and `r'` not above it: it follows a recursive path order whose symbols are the ranks (Dershowitz, TCS 17, 1982).
 * What it ends with follows no rule that is left out. */
export class Shortcuts {
  readonly #program: Specialiser
  readonly #ways = new Map<string, readonly Way[]>()
  readonly #found = new Map<Instance, ReadonlyMap<CallAtom, ReadonlySet<Instance>>>()
  readonly #ranks = new Map<Instance, number>()
  readonly #effort = { left: MAX_EFFORT }

  constructor(program: Specialiser) {
    this.#program = program
  }

  /** Per call of a rule of this predicate: the rules of the called predicate that need not be followed from there. */
  leftOut(node: SpecialisedPredicate, rule: Instance): ReadonlyMap<CallAtom, ReadonlySet<Instance>> {
    let found = this.#found.get(rule)
    if (!found) {
      found = new Map(
        this.#calls(rule).flatMap(([index, call]) => {
          const rules = this.#leftOutOf(node, rule, index, call)
          return rules.size === 0 ? [] : [[call, rules] as const]
        }),
      )
      this.#found.set(rule, found)
    }
    return found
  }

  #leftOutOf(node: SpecialisedPredicate, rule: Instance, index: number, call: CallAtom): Set<Instance> {
    const called = this.#rules(call)
    const ways = called.length === 0 ? [] : this.#waysTo(node).filter((way) => this.#ranksBelow(way, rule))
    if (ways.length === 0) return new Set()
    return new Set(
      called.filter((inner) => {
        const special = this.#unfolded(rule, index, inner)
        if (!special) return false
        return ways.some(({ second, rule: general }) => {
          const once = second !== null && this.#rankOf(second) === this.#rankOf(rule)
          return covers(general, special, { once, effort: this.#effort })
        })
      }),
    )
  }

  #waysTo(node: SpecialisedPredicate): readonly Way[] {
    const key = nodeKey(node.predicate, node.classes)
    let ways = this.#ways.get(key)
    if (!ways) {
      ways = this.#rules(node).flatMap((first) => this.#waysBy(first))
      if (ways.length > MAX_WAYS) ways = []
      this.#ways.set(key, ways)
    }
    return ways
  }

  #waysBy(first: Instance): Way[] {
    const twoSteps = this.#calls(first).flatMap(([index, call]) =>
      this.#rules(call).map((second) => ({ first, second, rule: this.#unfolded(first, index, second) })),
    )
    return [{ first, second: null, rule: asUnfolded(first) }, ...twoSteps].flatMap((way) =>
      way.rule?.isWhole === true ? [{ ...way, rule: way.rule }] : [],
    )
  }

  #unfolded(outer: Instance, index: number, inner: Instance): Unfolded | null {
    this.#effort.left -= outer.atoms.length + inner.atoms.length
    return this.#effort.left > 0 ? unfold(outer, index, inner) : null
  }

  #calls(rule: Instance): [number, CallAtom][] {
    return rule.atoms.flatMap((atom, index): [number, CallAtom][] =>
      atom.kind === 'call' && this.#program.instances(atom.predicate, atom.classes).length > 0 ? [[index, atom]] : [],
    )
  }

  #ranksBelow({ first, second }: Way, rule: Instance): boolean {
    const rank = this.#rankOf(rule)
    return this.#rankOf(first) < rank && (second === null || this.#rankOf(second) <= rank)
  }

  /** Any ranks are sound. By these a step to another resource for the same subject comes first, so that recursions are walked once, outside of what each step leads to;
   * then what only asks for another name; then the rest. */
  #rankOf(rule: Instance): number {
    let rank = this.#ranks.get(rule)
    if (rank === undefined) {
      rank = rule.atoms.length === 1 ? 1 : this.#isStep(rule) ? 0 : 2
      this.#ranks.set(rule, rank)
    }
    return rank
  }

  /** Whether all but one of its conditions are stored, and that one asks the same of the same subject. */
  #isStep(rule: Instance): boolean {
    const [subject] = rule.head
    const [[, call] = [], ...more] = this.#calls(rule)
    const [other] = call?.args ?? []
    return (
      more.length === 0 &&
      call?.predicate === rule.rule.predicate &&
      subject !== undefined &&
      other !== undefined &&
      sameTerm(subject, other)
    )
  }

  /** None where there are too many to compare. */
  #rules({ predicate, classes }: SpecialisedPredicate): readonly Instance[] {
    const found = this.#program.instances(predicate, classes)
    return found.length > MAX_RULES ? [] : found
  }
}
