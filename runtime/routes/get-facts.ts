/** GET /facts: the environment's facts that match a pattern, streamed. */
import { limits as bounds } from '../../src/base/limits.ts'
import type { Fact, ValuePattern } from '../../src/base/value.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { valuePattern } from '../../src/wire/values.ts'
import type { Route } from '../exchange.ts'
import { jsonText } from '../reply.ts'

/** Facts per chunk of the body. */
const CHUNK = 1000

export const getFacts: Route = {
  endpoint: endpoints.getFacts,
  handle({ request, environment }, { limits, kind }) {
    const parameters = new URL(request.url).searchParams
    const predicate = parameters.get('predicate')
    // The Node client drops the query string on its way to a fallback: everything would look like the answer to a narrow question.
    if (kind === 'fallback' && (predicate === null || predicate === '')) {
      throw new ApiError('bad-value', 'a fallback node needs the parameter `predicate`, `_` for every one')
    }
    const args = patternOf(parameters)
    // Arguments that no fact has match nothing.
    if (args === null) return jsonText('[]')
    const any = predicate === null || predicate === '' || predicate === '_'
    const facts = environment.store.facts({ predicate: any ? null : predicate, args }, false, limits.getFacts + 1)
    if (facts.length > limits.getFacts) {
      throw new ApiError('too-many-results', `more than ${limits.getFacts} facts match: narrow the query by predicate, types or ids`)
    }
    return jsonText(facts.length <= CHUNK ? factsText(facts) : stream(facts))
  },
}

/** The pattern of `args.<i>.type` and `args.<i>.id`, or null when a position lies beyond every fact. */
const patternOf = (parameters: URLSearchParams): readonly ValuePattern[] | null => {
  const wire = new Map<number, { type?: string; id?: string }>()
  for (const [key, text] of parameters) {
    if (!key.startsWith('args.')) continue
    const [, position, member] = /^args\.([0-9]+)\.(type|id)$/.exec(key) ?? []
    if (position === undefined || member === undefined) {
      throw new ApiError('bad-value', `\`${key.slice(0, 64)}\` is no \`args.<position>.type\` or \`args.<position>.id\``)
    }
    if (text === '') throw new ApiError('bad-value', `\`${key}\` must not be empty`)
    const value = wire.get(Number(position)) ?? {}
    wire.set(Number(position), member === 'type' ? { ...value, type: text } : { ...value, id: text })
  }
  const length = Math.max(-1, ...wire.keys()) + 1
  const args = Array.from({ length: Math.min(length, bounds.factArguments) }, (_, index) =>
    valuePattern(wire.get(index) ?? {}, `args.${index}`),
  )
  for (const [position, value] of wire) if (position >= bounds.factArguments) valuePattern(value, `args.${position}`)
  return length > bounds.factArguments ? null : args
}

const factsText = (facts: readonly Fact[]): string => JSON.stringify(facts.map(factBody))

const factBody = ({ predicate, args }: Fact): Fact => ({ predicate, args: args.map(({ type, id }) => ({ type, id })) })

const stream = (facts: readonly Fact[]): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder()
  let next = 0
  return new ReadableStream({
    pull(controller) {
      const chunk = facts.slice(next, next + CHUNK)
      const text = factsText(chunk).slice(1, -1)
      controller.enqueue(encoder.encode(next === 0 ? `[${text}` : `,${text}`))
      next += CHUNK
      if (next < facts.length) return
      controller.enqueue(encoder.encode(']'))
      controller.close()
    },
  })
}
