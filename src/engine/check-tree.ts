/** What was prepared for checks, found without building a text: by the type of each value, and by its id where that is a constant of the policy. */
import type { Value } from '../base/value.ts'
import type { Constants } from './question.ts'

interface Node<T> {
  readonly next: Map<string, Branch<T>>
  item: T | null
}

/** After one type: by the ids that are constants, and for all others. */
interface Branch<T> {
  readonly constants: ReadonlySet<string> | null
  readonly byId: Map<string, Node<T>>
  readonly other: Node<T>
}

export class CheckTree<T> {
  readonly #constants: Constants
  #root: Node<T> = emptyNode()
  #items: T[] = []

  constructor(constants: Constants) {
    this.#constants = constants
  }

  get size(): number {
    return this.#items.length
  }

  items(): readonly T[] {
    return this.#items
  }

  find(values: readonly Value[]): T | null {
    let node = this.#root
    for (const { type, id } of values) {
      const branch = node.next.get(type)
      if (branch === undefined) return null
      const { constants } = branch
      if (constants === null) node = branch.other
      else {
        const found = branch.byId.get(id)
        if (found === undefined && constants.has(id)) return null
        node = found ?? branch.other
      }
    }
    return node.item
  }

  /** For values that `find` found nothing for. */
  set(values: readonly Value[], item: T): void {
    let node = this.#root
    for (const { type, id } of values) {
      const branch = node.next.get(type) ?? {
        constants: this.#constants.idsOf(type),
        byId: new Map<string, Node<T>>(),
        other: emptyNode<T>(),
      }
      node.next.set(type, branch)
      if (branch.constants?.has(id) !== true) node = branch.other
      else {
        const next = branch.byId.get(id) ?? emptyNode<T>()
        branch.byId.set(id, next)
        node = next
      }
    }
    node.item = item
    this.#items.push(item)
  }

  clear(): void {
    this.#root = emptyNode()
    this.#items = []
  }
}

const emptyNode = <T>(): Node<T> => ({ next: new Map(), item: null })
