/** What follows from an object and a text, worked out once. */
export class Memo<Owner, Value extends {} | null> {
  readonly #values = new Map<Owner, Map<string, Value>>()

  of(owner: Owner, key: string, work: () => Value): Value {
    const values = this.#values.get(owner) ?? new Map<string, Value>()
    this.#values.set(owner, values)
    const found = values.get(key)
    if (found !== undefined) return found
    const value = work()
    values.set(key, value)
    return value
  }
}
