/** The typed rule again with variables of its own, for a search that goes through a rule more than once. */
import type { Atom, Instance } from '../ir/instance.ts'
import { type Term, variable } from '../ir/terms.ts'

/** `plainName` takes the prefix off again. */
export const renamed = ({ head, atoms }: Instance, number: number): Pick<Instance, 'head' | 'atoms'> => {
  const name = (id: string): string => `${number}:${id}`
  const term = (item: Term): Term => (item.kind === 'variable' ? variable(name(item.id)) : item)
  const atom = (item: Atom): Atom => {
    switch (item.kind) {
      case 'call':
        return { ...item, args: item.args.map(term) }
      case 'in':
        return { ...item, term: term(item.term) }
      case 'not':
        return { ...item, outer: item.outer.map(name), bodies: item.bodies.map((body) => body.map(atom)) }
      case 'equal':
      case 'unequal':
      case 'order':
        return { ...item, left: term(item.left), right: term(item.right) }
    }
  }
  return { head: head.map(term), atoms: atoms.map(atom) }
}
