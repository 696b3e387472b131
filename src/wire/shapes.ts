/** The shared pieces of request bodies. Unknown keys are ignored, null means absent, ids may arrive as JSON integers or booleans. */
import * as z from 'zod/mini'

// Lone surrogates have no UTF-8 form: they could neither be stored nor sent back.
const wellFormed = { check: (text: string): boolean => text.isWellFormed(), error: 'text without lone surrogates' }

export const text = z.string({ error: 'a string' }).check(z.refine(wellFormed.check, { error: wellFormed.error }))

/** Text that names something: a type, a predicate, an action. */
export const name = text.check(z.minLength(1, { error: 'a string that is not empty' }))

/** An id: clients in untyped languages send integers and booleans as they are. */
export const id = z.pipe(
  z.transform((value: unknown) => (Number.isSafeInteger(value) || typeof value === 'boolean' ? String(value) : value)),
  name,
)

export const list = <T extends z.ZodMiniType>(item: T) => z.array(item, { error: 'an array' })

/** Absent and null are the same. */
export const maybe = <T extends z.ZodMiniType>(item: T) => z.nullish(item)

export const shape = <T extends Record<string, z.ZodMiniType>>(members: T) => z.object(members, { error: 'an object' })

/** What a map that `mapOf` made holds: a schema does not tell by itself. */
export const mapItems = new WeakMap<object, z.ZodMiniType>()

/** An object whose keys a caller chose, as a map: a record would lose the key `__proto__`. */
export const mapOf = <T extends z.ZodMiniType>(item: T) => {
  const map = z.pipe(
    z.transform((value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : value,
    ),
    z.map(z.string(), item, { error: 'an object' }),
  )
  mapItems.set(map, item)
  return map
}

export const valuePattern = shape({ type: maybe(name), id: maybe(id) })
export const factPattern = shape({ predicate: name, args: list(valuePattern) })
export const contextFacts = maybe(list(factPattern))

export type WireValue = z.infer<typeof valuePattern>
export type WireFact = z.infer<typeof factPattern>
