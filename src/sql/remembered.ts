/** Parts of a check that its subject decides alone, such as the teams of a user: each is listed by a statement of its own, which the engine may run once for many checks. */
import { at } from '../base/assert.ts'
import type { FactShape } from '../ir/fact-source.ts'
import { reachedRows, stepsEstimate } from '../ir/order.ts'
import type { Relation, Step } from '../ir/relation.ts'
import { type FactArgument, type Term, variable, variableIds } from '../ir/terms.ts'
import type { Emitter } from './emit.ts'
import { emptyPartial, type Fragment, renderSelect, type Scope, unionAll } from './fragment.ts'
import { Parameters, type Slot } from './parameters.ts'
import { type CallStep, FAN_OUT, type Group, groupGrowth, groupWork, type Member, stepVariables } from './recursion.ts'

/** Longer lists are not remembered: what they would tell is searched for. */
export const MAX_REMEMBERED = 32
/** The same of a list with what its values lead to, step by step: chains of groups are long where groups of one user are few. */
export const MAX_CLOSED = 64

export interface PartStatement {
  readonly sql: string
  readonly slots: readonly Slot[]
}

/** The values of one part, as the only column of statements with one input. */
export interface RememberedPart {
  readonly input: string
  /** Lists values for the subject. */
  readonly first: PartStatement
  /** Lists the values that one value leads to, which belong to the part as well; null where nothing follows. */
  readonly next: PartStatement | null
}

/** What parts are found for while a check is emitted. */
export interface RememberedParts {
  /** The variable of the question that is the subject. */
  readonly variable: string
  /** Rows by estimate up to which a list is worth remembering. */
  readonly worthwhile: number
  /** The number that the check asks for the part by; null when it cannot be remembered. */
  number(part: RememberedPart): number | null
}

export interface PartSource {
  /** The recursive group of a member, or null. */
  readonly group: (member: Member) => Group | null
  readonly widened: ((relation: Relation, position: number) => Relation) | null
  /** An emitter of another statement. */
  readonly fork: (parameters: Parameters) => Emitter
}

/** SQL that asks for a part. */
export interface PartCalls {
  /** Whether the value is in it; null where that is not known. */
  readonly has: string
  /** 0 where it is known to have no value at all. */
  readonly some: string
}

/** Yields the SQL that asks for a part, null where there is none. */
export class PartFinder {
  readonly #found: RememberedParts
  /** The subject's placeholder in the check. */
  readonly #subject: string
  readonly #source: PartSource

  constructor(found: RememberedParts, parameters: Parameters, source: PartSource) {
    this.#found = found
    this.#subject = parameters.placeholder({ kind: 'input', variable: found.variable })
    this.#source = source
  }

  /** A fact of which all is known: the subject, constants, and one value that the check found on its way. */
  fact(shape: FactShape, args: readonly FactArgument[], scope: Scope): PartCalls | null {
    const expressions = args.map((term) => (term.kind === 'variable' ? scope.get(term.id) : null))
    if (args.some((term) => term.kind === 'now')) return null
    const varying = this.#varying(expressions)
    if (varying === null) return null
    const term = at(args, varying)
    const usable = args.map((arg, index) => index !== varying && arg.kind !== 'list')
    if (term.kind !== 'variable' || reachedRows(shape, usable) > this.#found.worthwhile) return null
    const first = this.#statement((emitter, input) => {
      const own = new Map(args.flatMap((arg, index) => (arg.kind === 'variable' && index !== varying ? [[arg.id, input] as const] : [])))
      const outputs: readonly Term[] = [term]
      const partials = emitter.steps([{ kind: 'fact', shape, args }], [{ ...emptyPartial, scope: own }])
      return partials.map((partial) => emitter.finish(partial, outputs))
    })
    return this.#ask(first, null, at(expressions, varying))
  }

  /** A check that reaches a recursion of one relation: listed from the subject, where that leads to few values. */
  call(step: CallStep, inputs: readonly string[]): PartCalls | null {
    const varying = this.#varying(inputs)
    const found = varying === null ? null : this.#listed(step.relation, inputs, varying)
    if (varying === null || found === null) return null
    const { worthwhile } = this.#found
    if (worthwhile <= MAX_REMEMBERED && groupGrowth(found) > FAN_OUT) return null
    if (groupWork(found) > worthwhile || !this.#isSearched(found)) return null
    const first = this.#statement((emitter, input) => baseFragments(found, emitter, input))
    const next = this.#statement((emitter, input) => stepFragments(found, emitter, input))
    return first === null || next === null ? null : this.#ask(first, next, at(inputs, varying))
  }

  /** What ends a recursion that goes on from the resource, such as the folders that the subject has a role on itself, or through a group: listed, where there are few. */
  ends(relation: Relation, inputs: readonly string[], varying: number, value: string): PartCalls | null {
    const others = inputs.filter((_, index) => index !== varying)
    const found = others.every((input) => input === this.#subject) ? this.#listed(relation, inputs, varying) : null
    if (found === null) return null
    const ends = found.rules.filter(({ call }) => call === null)
    const rows = ends.reduce((sum, { rule }) => sum + stepsEstimate(rule.steps, rule.inputs), 0)
    if (rows > this.#found.worthwhile || !this.#isSearched({ ...found, rules: ends })) return null
    const first = this.#statement((emitter, input) => baseFragments(found, emitter, input))
    return first === null ? null : this.#ask(first, null, value)
  }

  /** A relation of the subject and one more value, as the recursion that lists these values. */
  #listed(relation: Relation, inputs: readonly string[], varying: number): Group | null {
    const { group, widened } = this.#source
    if (widened === null || inputs.length > 2) return null
    const positions = relation.modes.flatMap((mode, index) => (mode === 'in' ? [index] : []))
    const listing = widened(relation, at(positions, varying))
    if (listing.refusal || [...listing.variants.keys()].join() !== 'c') return null
    const found = group({ relation: listing, pattern: 'c' })
    return found?.kind === 'answers' && found.members.length === 1 ? found : null
  }

  /** Whether every condition of a recursion is a search that finds few rows, from what is known before it. */
  #isSearched({ rules }: Group): boolean {
    return rules.every(({ rule, call }) =>
      call
        ? this.#areSearches(
            rule.steps.filter((step) => step !== call.step),
            call.step.outputs,
          )
        : this.#areSearches(rule.steps, rule.inputs),
    )
  }

  #areSearches(steps: readonly Step[], start: readonly FactArgument[]): boolean {
    const bound = new Set(start.flatMap(variableIds))
    return steps.every((step) => {
      if (step.kind === 'not') return step.bodies.every((body) => this.#areSearches(body, [...bound].map(variable)))
      // Its rules are not looked into.
      if (step.kind === 'call') return false
      if (step.kind !== 'fact') return true
      const usable = step.args.map((term) => term.kind !== 'list' && (term.kind !== 'variable' || bound.has(term.id)))
      for (const id of step.args.flatMap(variableIds)) bound.add(id)
      return reachedRows(step.shape, usable) <= this.#found.worthwhile
    })
  }

  /** The one value that is neither the subject (which must be there) nor a constant; null when there are others. */
  #varying(expressions: readonly (string | null | undefined)[]): number | null {
    let varying: number | null = null
    for (const [index, expression] of expressions.entries()) {
      if (expression === null || expression === this.#subject) continue
      if (expression === undefined || expression.startsWith('?') || varying !== null) return null
      varying = index
    }
    return expressions.includes(this.#subject) ? varying : null
  }

  /** Null where it would list nothing, or takes more than its input. */
  #statement(emit: (emitter: Emitter, input: string) => readonly Fragment[] | null): PartStatement | null {
    const parameters = new Parameters()
    const input = parameters.placeholder({ kind: 'input', variable: this.#found.variable })
    const fragments = emit(this.#source.fork(parameters), input)
    if (fragments === null || fragments.length === 0) return null
    const sql = unionAll(fragments.map((fragment) => renderSelect(fragment)))
    return { sql: `${sql} LIMIT ${MAX_REMEMBERED + 1}`, slots: parameters.slots }
  }

  #ask(first: PartStatement | null, next: PartStatement | null, value: string | null | undefined): PartCalls | null {
    const number = first === null ? null : this.#found.number({ input: this.#found.variable, first, next })
    return number === null ? null : { has: `remembered(${number}, ${value})`, some: `ifnull(remembered(${number}, ''), 1)` }
  }
}

/** Of a recursion of one relation, from its one argument to its one answer: what does not come from an answer before. */
const baseFragments = (group: Group, emitter: Emitter, input: string): Fragment[] =>
  group.rules.flatMap(({ rule, call }) =>
    call ? [] : emitter.steps(rule.steps, [emitter.enter(rule, [input])]).map((partial) => emitter.finish(partial, rule.outputs)),
  )

/** What one answer leads to; null where that depends on the argument as well. */
const stepFragments = (group: Group, emitter: Emitter, answer: string): Fragment[] | null => {
  const found: Fragment[] = []
  for (const { rule, call } of group.rules) {
    if (!call) continue
    const [argument, ...others] = rule.inputs
    const [output] = call.step.outputs
    // A rule may need its argument only to pass it on to the call: it is left without a value here.
    if (others.length > 0 || argument?.kind !== 'variable' || output?.kind !== 'variable' || output.id === argument.id) return null
    const rest = rule.steps.filter((step) => step !== call.step)
    if (rest.some((step) => mentions(step, argument.id)) || rule.outputs.some((term) => isVariable(term, argument.id))) return null
    const partials = emitter.steps(rest, [{ ...emptyPartial, scope: new Map([[output.id, answer]]) }])
    found.push(...partials.map((partial) => emitter.finish(partial, rule.outputs)))
  }
  return found
}

const isVariable = (term: FactArgument, id: string): boolean => term.kind === 'variable' && term.id === id

const mentions = (step: Step, id: string): boolean => stepVariables(step).includes(id)
