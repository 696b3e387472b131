/** Parameter slots of a statement: what is bound at each `?n`. Values are always parameters, never SQL text. */
import type { Value } from '../base/value.ts'
import { valueKey } from '../ir/terms.ts'

export type Slot =
  /** Value that the question gives for one of its variables. */
  | { readonly kind: 'input'; readonly variable: string }
  /** Constant of the policy; interned with it, so it is bound once per prepared statement. */
  | { readonly kind: 'constant'; readonly value: Value }
  | { readonly kind: 'now' }
  /** JSON array of rows: the context facts of one signature. */
  | { readonly kind: 'context'; readonly slot: string }
  /** JSON array of encoded ids: those given for a variable. */
  | { readonly kind: 'ids'; readonly variable: string }
  /** A number of the engine's own: page bounds and the like. */
  | { readonly kind: 'control'; readonly name: string }

export class Parameters {
  readonly slots: Slot[] = []
  readonly #byKey = new Map<string, string>()

  /** The SQL placeholder of a slot; the same slot always gets the same one. */
  placeholder(slot: Slot): string {
    const key = slotKey(slot)
    let text = this.#byKey.get(key)
    if (text === undefined) {
      this.slots.push(slot)
      text = `?${this.slots.length}`
      this.#byKey.set(key, text)
    }
    return text
  }
}

const slotKey = (slot: Slot): string => {
  if (slot.kind === 'constant') return `c${valueKey(slot.value)}`
  if (slot.kind === 'now') return 'n'
  return `${slot.kind}:${slot.kind === 'context' ? slot.slot : slot.kind === 'control' ? slot.name : slot.variable}`
}
