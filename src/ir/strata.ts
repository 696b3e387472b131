/** Refuses negation through recursion: no specialised predicate may depend on its own negation (polar.md 10.2). */
import { at, known } from '../base/assert.ts'
import { components } from '../base/graph.ts'
import type { CheckedPolicy, CoreRule, Disjunct } from '../check/core.ts'
import type { Diagnostic } from '../polar/diagnostic.ts'
import type { Span } from '../polar/source.ts'
import { TooComplex } from './budget.ts'
import { acceptedFacts } from './fact-source.ts'
import type { Atom } from './instance.ts'
import { indexRules, Specialiser } from './specialise.ts'
import { nodeKey, type PositionClass, predicateKey } from './terms.ts'

interface Node {
  readonly predicate: string
  readonly classes: readonly PositionClass[]
}

interface Edge {
  readonly to: Node
  readonly negated: boolean
  readonly span: Span
}

/** At most one diagnostic per cycle found; none for a stratified policy. */
export const checkStrata = (policy: CheckedPolicy): Diagnostic[] => {
  const suspects = suspectPredicates(policy.rules)
  if (suspects.size === 0) return []
  try {
    return new StrataCheck(policy, suspects).diagnostics()
  } catch (error) {
    if (!(error instanceof TooComplex)) throw error
    const span = known(policy.rules[0], 'rule').span
    return [
      {
        code: 'policy-too-complex',
        severity: 'error',
        message: `the policy is too complex: ${error.message}`,
        span,
        labels: [],
        hint: null,
      },
    ]
  }
}

/** Predicates on a cycle with a negation when types and names are left out of account: almost always none. */
const suspectPredicates = (rules: readonly CoreRule[]): Set<string> => {
  const edges = new Map<string, Set<string>>()
  const negated: [string, string][] = []
  for (const rule of rules) {
    const from = predicateKey(rule.predicate, rule.params.length)
    const to = edges.get(from) ?? new Set()
    edges.set(from, to)
    for (const disjunct of rule.disjuncts)
      collectCalls(disjunct, false, (key, isNegated) => {
        to.add(key)
        if (isNegated) negated.push([from, key])
      })
  }
  const componentOf = new Map<string, readonly string[]>()
  for (const component of components([...edges.keys()], { key: (node) => node, next: (node) => [...(edges.get(node) ?? [])] }))
    for (const member of component) componentOf.set(member, component)
  // By negation, not by component: there may be ten thousand of either.
  const suspects = new Set<readonly string[]>()
  for (const [from, to] of negated) {
    const component = componentOf.get(from)
    if (component && component === componentOf.get(to)) suspects.add(component)
  }
  return new Set([...suspects].flat())
}

const collectCalls = (disjunct: Disjunct, negated: boolean, found: (key: string, negated: boolean) => void): void => {
  for (const literal of disjunct.literals) {
    if (literal.kind === 'call') found(predicateKey(literal.predicate, literal.args.length), negated)
    if (literal.kind === 'not') for (const inner of literal.disjuncts) collectCalls(inner, true, found)
  }
}

class StrataCheck {
  readonly #policy: CheckedPolicy
  readonly #suspects: ReadonlySet<string>
  readonly #program: Specialiser
  readonly #edges = new Map<string, readonly Edge[]>()

  constructor(policy: CheckedPolicy, suspects: ReadonlySet<string>) {
    this.#policy = policy
    this.#suspects = suspects
    this.#program = new Specialiser(indexRules(policy.rules), acceptedFacts(policy), policy.concreteTypes)
  }

  diagnostics(): Diagnostic[] {
    const found = new Map<string, Diagnostic>()
    for (const component of components(this.#roots(), { key: keyOf, next: (node) => this.#edgesOf(node).map((edge) => edge.to) })) {
      const members = new Set(component.map(keyOf))
      for (const node of component) {
        const edge = this.#edgesOf(node).find((item) => item.negated && members.has(keyOf(item.to)))
        if (!edge) continue
        const diagnostic = this.#diagnostic(node, edge, members)
        const place = JSON.stringify(edge.span)
        if (!found.has(place)) found.set(place, diagnostic)
        break
      }
    }
    return [...found.values()]
  }

  /** Every specialisation that a question or another rule can ask for: each type tuple, with each literal name and without one. */
  #roots(): Node[] {
    const roots: Node[] = []
    for (const key of this.#suspects) {
      const slash = key.lastIndexOf('/')
      const predicate = key.slice(0, slash)
      const length = Number(key.slice(slash + 1))
      const names = this.#literalNames(predicate, length)
      const free = Array.from({ length }, (): PositionClass => ({ kind: 'open' }))
      for (const tuple of this.#program.typeTuples(predicate, free)) {
        let nodes: PositionClass[][] = [[]]
        for (const [index, type] of tuple.entries()) {
          const classes: PositionClass[] = type === null ? [{ kind: 'open' }] : [{ kind: 'typed', type, other: false }]
          if (type === 'String') for (const id of at(names, index)) classes.push({ kind: 'constant', value: { type, id } })
          nodes = nodes.flatMap((node) => classes.map((item) => [...node, item]))
        }
        roots.push(...nodes.map((classes) => ({ predicate, classes })))
      }
    }
    return roots
  }

  #literalNames(predicate: string, length: number): Set<string>[] {
    const names = Array.from({ length }, () => new Set<string>())
    for (const rule of this.#policy.rules) {
      if (rule.predicate !== predicate || rule.params.length !== length) continue
      for (const [index, param] of rule.params.entries())
        if (param.kind === 'value' && param.value.type === 'String') at(names, index).add(param.value.id)
    }
    return names
  }

  #edgesOf(node: Node): readonly Edge[] {
    const key = keyOf(node)
    let edges = this.#edges.get(key)
    if (!edges) {
      const collected: Edge[] = []
      for (const instance of this.#program.instances(node.predicate, node.classes)) this.#collect(instance.atoms, false, collected)
      edges = collected
      this.#edges.set(key, edges)
    }
    return edges
  }

  #collect(atoms: readonly Atom[], negated: boolean, edges: Edge[]): void {
    for (const atom of atoms) {
      if (atom.kind === 'not') for (const body of atom.bodies) this.#collect(body, true, edges)
      if (atom.kind !== 'call' || !this.#suspects.has(predicateKey(atom.predicate, atom.args.length))) continue
      edges.push({ to: { predicate: atom.predicate, classes: atom.classes }, negated, span: atom.span })
    }
  }

  #diagnostic(node: Node, edge: Edge, members: ReadonlySet<string>): Diagnostic {
    const path = this.#pathBack(edge.to, node, members)
    const steps = [`${describe(node)} → not ${describe(edge.to)}`, ...path.map(describe)].join(' → ')
    const rule = this.#policy.rules.find((item) => item.predicate === node.predicate && item.span.file >= 0)
    return {
      code: 'negation-through-recursion',
      severity: 'error',
      message: `\`${node.predicate}\` depends on its own negation: ${steps}`,
      span: edge.span.file >= 0 ? edge.span : known(rule, 'rule').span,
      labels: [],
      hint: 'break the cycle',
    }
  }

  /** Shortest way from one member of a component back to another. */
  #pathBack(from: Node, to: Node, members: ReadonlySet<string>): Node[] {
    const cameFrom = new Map<string, Node | null>([[keyOf(from), null]])
    const queue: Node[] = [from]
    for (const node of queue) {
      if (keyOf(node) === keyOf(to)) {
        const path: Node[] = []
        for (let step: Node | null = node; step && keyOf(step) !== keyOf(from); step = cameFrom.get(keyOf(step)) ?? null) path.unshift(step)
        return path
      }
      for (const edge of this.#edgesOf(node)) {
        if (!members.has(keyOf(edge.to)) || cameFrom.has(keyOf(edge.to))) continue
        cameFrom.set(keyOf(edge.to), node)
        queue.push(edge.to)
      }
    }
    return []
  }
}

const keyOf = (node: Node): string => nodeKey(node.predicate, node.classes)

/** `has_role(User, "member", Team)` */
const describe = (node: Node): string =>
  `\`${node.predicate}(${node.classes.map((item) => (item.kind === 'constant' ? JSON.stringify(item.value.id) : item.kind === 'typed' ? item.type : '_')).join(', ')})\``
