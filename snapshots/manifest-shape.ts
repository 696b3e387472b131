/** One object of a manifest's JSON, read field by field: every field has its type, and there are no others. */

type Fail = (reason: string, cause?: unknown) => Error

export class ManifestShape {
  readonly #fields: ReadonlyMap<string, unknown>
  readonly #where: string
  readonly #fail: Fail
  readonly #read = new Set<string>()

  private constructor(value: unknown, where: string, fail: Fail) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail(`${where} is no object`)
    this.#fields = new Map(Object.entries(value))
    this.#where = where
    this.#fail = fail
  }

  static parse(bytes: Uint8Array, fail: Fail): ManifestShape {
    let value: unknown
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    } catch (cause) {
      throw fail('it is no JSON', cause)
    }
    return new ManifestShape(value, 'it', fail)
  }

  integer(name: string, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): number {
    const value = this.#field(name)
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.#wrong(name, 'is no integer')
    if (value < minimum || value > maximum) throw this.#wrong(name, `is ${value}, want ${minimum} to ${maximum}`)
    return value
  }

  text(name: string): string {
    const value = this.#field(name)
    if (typeof value !== 'string') throw this.#wrong(name, 'is no text')
    return value
  }

  textOrNull(name: string): string | null {
    return this.#field(name) === null ? null : this.text(name)
  }

  /** An object of integers. */
  integers(name: string, minimum = 0): Readonly<Record<string, number>> {
    const shape = new ManifestShape(this.#field(name), `\`${name}\``, this.#fail)
    return Object.fromEntries([...shape.#fields.keys()].map((key) => [key, shape.integer(key, minimum)]))
  }

  /** Lower-case hexadecimal digits. */
  digits(name: string, count: number): string {
    const value = this.text(name)
    if (!isDigits(value, count)) throw this.#wrong(name, `is not ${count} hexadecimal digits`)
    return value
  }

  digitsOrNull(name: string): string | null {
    const value = this.#field(name)
    if (value === null) return null
    if (typeof value !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(value)) throw this.#wrong(name, 'is no hexadecimal digits')
    return value
  }

  hashes(name: string): readonly string[] {
    return this.#items(name).map((value) => {
      if (typeof value !== 'string' || !isDigits(value, 64)) throw this.#wrong(name, 'holds what is no SHA-256')
      return value
    })
  }

  list(name: string): readonly ManifestShape[] {
    return this.#items(name).map((value, index) => new ManifestShape(value, `entry ${index} of \`${name}\``, this.#fail))
  }

  /** No other fields: a format says all that it has. */
  end(): void {
    for (const name of this.#fields.keys()) if (!this.#read.has(name)) throw this.#wrong(name, 'is unknown in this format')
  }

  #items(name: string): readonly unknown[] {
    const value = this.#field(name)
    if (!Array.isArray(value)) throw this.#wrong(name, 'is no list')
    return value
  }

  #field(name: string): unknown {
    this.#read.add(name)
    if (!this.#fields.has(name)) throw this.#wrong(name, 'is missing')
    return this.#fields.get(name)
  }

  #wrong(name: string, what: string): Error {
    return this.#fail(`\`${name}\` of ${this.#where} ${what}`)
  }
}

const isDigits = (text: string, count: number): boolean => text.length === count && /^[0-9a-f]+$/.test(text)
