/** The body of an explanation as a schema. Proofs and attempts inside one another are checked as such, and described once. */
import * as z from 'zod/mini'
import type { Attempt, Condition, Explanation, FailedCondition, Proof } from '../engine/explanation.ts'

const text = z.string()
const count = z.int().check(z.positive())

/** What contains itself: the OpenAPI description would never end. */
const nested = <T>(schema: () => z.ZodMiniType<T>): z.ZodMiniType<T> => z.custom<T>((value) => z.safeParse(schema(), value).success)

const source = z.nullable(z.strictObject({ file: text, line: count, column: count, text }))
const argument = z.strictObject({ type: z.nullable(text), id: z.nullable(text), variable: z.exactOptional(text) })
const atom = z.strictObject({ predicate: text, args: z.array(argument) })
const fact = z.strictObject({ predicate: text, args: z.array(z.strictObject({ type: text, id: text })) })

const proof: z.ZodMiniType<Proof> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fact'), atom, origin: z.enum(['stored', 'context']) }),
  z.strictObject({ kind: z.literal('rule'), atom, source, conditions: z.array(nested(() => condition)) }),
  z.strictObject({ kind: z.literal('repeated'), atom }),
  z.strictObject({ kind: z.literal('truncated'), atom }),
])

const condition: z.ZodMiniType<Condition> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('call'), source, proof: nested(() => proof) }),
  z.strictObject({ kind: z.literal('test'), source, text }),
  z.strictObject({ kind: z.literal('absent'), source, text, absent: z.array(atom), because: z.array(nested(() => condition)) }),
])

const failed: z.ZodMiniType<FailedCondition> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('call'),
    source,
    atom,
    stored: z.boolean(),
    attempts: z.array(nested(() => attempt)),
    rest: z.enum(['complete', 'repeated', 'truncated']),
  }),
  z.strictObject({ kind: z.literal('test'), source, text }),
  z.strictObject({ kind: z.literal('blocked'), source, text, because: z.array(condition) }),
])

const attempt: z.ZodMiniType<Attempt> = z.strictObject({
  atom,
  source,
  held: z.array(condition),
  failed,
  missing: z.nullable(z.array(atom)),
})

export const explanationSchema: z.ZodMiniType<Explanation> = z.strictObject({
  allowed: z.boolean(),
  atom,
  proof: z.nullable(proof),
  facts: z.array(fact),
  absent: z.array(atom),
  attempts: z.array(attempt),
  missing: z.nullable(z.array(atom)),
  truncated: z.boolean(),
})
