/** Strongly connected components of a graph that is explored from its roots (Tarjan, SIAM J. Comput. 1972), without recursion. */
import { known } from './assert.ts'

export interface Graph<T> {
  key(node: T): string
  next(node: T): readonly T[]
}

interface Frame<T> {
  readonly node: T
  readonly key: string
  readonly next: readonly T[]
  position: number
}

/** Components in order: every component after those it leads to. Nodes whose key is in `done` are left out and added to it. */
export const components = <T>(roots: readonly T[], graph: Graph<T>, done: Set<string> = new Set()): T[][] => {
  const found: T[][] = []
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: { readonly node: T; readonly key: string }[] = []
  const onStack = new Set<string>()
  const path: Frame<T>[] = []
  const enter = (node: T, key: string): void => {
    low.set(key, index.size)
    index.set(key, index.size)
    stack.push({ node, key })
    onStack.add(key)
    path.push({ node, key, next: graph.next(node), position: 0 })
  }
  const lower = (key: string, to: number | undefined): void => void low.set(key, Math.min(known(low.get(key), 'low'), known(to, 'low')))
  const close = (key: string): void => {
    const component: T[] = []
    for (;;) {
      const item = known(stack.pop(), 'stack')
      onStack.delete(item.key)
      done.add(item.key)
      component.push(item.node)
      if (item.key === key) break
    }
    found.push(component)
  }
  for (const root of roots) {
    const rootKey = graph.key(root)
    if (!done.has(rootKey)) enter(root, rootKey)
    for (let frame = path.at(-1); frame; frame = path.at(-1)) {
      const node = frame.next[frame.position]
      frame.position += 1
      if (node !== undefined) {
        const key = graph.key(node)
        if (done.has(key)) continue
        if (onStack.has(key)) lower(frame.key, index.get(key))
        else enter(node, key)
        continue
      }
      path.pop()
      const parent = path.at(-1)
      if (parent) lower(parent.key, low.get(frame.key))
      if (low.get(frame.key) === index.get(frame.key)) close(frame.key)
    }
  }
  return found
}
