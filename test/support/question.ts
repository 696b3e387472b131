/** Questions as data, so that engine and oracle can be asked the same ones; answers as data and as the text that worlds use. */
import { unreachable } from '../../src/base/assert.ts'
import type { Fact, Value, ValuePattern } from '../../src/base/value.ts'
import type { ConjunctiveQuery, Engine, Request } from '../../src/engine/engine.ts'
import { QueryError } from '../../src/engine/engine.ts'
import { idText, patternText, rowText, valueText } from './world-text.ts'

export type Question =
  /** `resource` null: a global permission. */
  | { readonly kind: 'authorize'; readonly actor: Value; readonly action: string; readonly resource: Value | null }
  | { readonly kind: 'resources'; readonly actor: Value; readonly action: string; readonly resources: readonly Value[] }
  | { readonly kind: 'list'; readonly actor: Value; readonly action: string; readonly type: string }
  | { readonly kind: 'actions'; readonly actor: Value; readonly resource: Value }
  /** Variables that start with `#` are constants, and left out of the text. */
  | { readonly kind: 'query'; readonly query: ConjunctiveQuery }
  | { readonly kind: 'match'; readonly predicate: string; readonly args: readonly ValuePattern[] }

/** A question with what counts for it alone. */
export interface Asked {
  readonly question: Question
  readonly contextFacts: readonly Fact[]
  readonly unixSeconds: number
}

/** `text` is how a world writes the answer; `data` is all of it. */
export interface Answer {
  readonly text: string
  readonly data: unknown
  readonly refused: boolean
}

/** Asks; a refusal is an answer, any other error is not. */
export const answer = (engine: Engine, asked: Asked): Answer => {
  try {
    return { ...ask(engine, asked), refused: false }
  } catch (error) {
    if (error instanceof QueryError) return { text: `refused ${error.code}`, data: error.code, refused: true }
    throw error
  }
}

/** By a clock that stands still: what the time suffices for is the same on every machine. */
export const requestOf = ({ contextFacts, unixSeconds }: Asked, timeoutMs = 60_000): Request => ({
  contextFacts,
  unixSeconds,
  nowMs: null,
  timeoutMs,
})

/** Throws when it is refused. */
export const ask = (engine: Engine, asked: Asked, timeoutMs?: number): Omit<Answer, 'refused'> => {
  const { question } = asked
  const request = requestOf(asked, timeoutMs)
  switch (question.kind) {
    case 'authorize': {
      const { actor, action, resource } = question
      const allowed =
        resource === null ? engine.authorizeGlobal(actor, action, request) : engine.authorize(actor, action, resource, request)
      return { text: String(allowed), data: allowed }
    }
    case 'resources': {
      const data = engine.authorizeResources(question.actor, question.action, question.resources, request)
      return { text: listText(data.map(valueText)), data }
    }
    case 'list': {
      const data = engine.list(question.actor, question.action, question.type, request)
      return { text: listText(data.map((id) => (id === '*' ? id : idText(id)))), data }
    }
    case 'actions': {
      const data = engine.actions(question.actor, question.resource, request)
      return { text: listText(data.map(idText)), data }
    }
    case 'query':
      return queryAnswer(question.query, engine.query(question.query, request))
    case 'match': {
      const data = engine.match(question.predicate, question.args, request)
      return { text: listText(data.map(({ predicate, args }) => `${predicate}(${args.map(patternText).join(', ')})`)), data }
    }
    default:
      return unreachable(question)
  }
}

const listText = (items: readonly string[]): string => (items.length === 0 ? 'none' : items.join(', '))

const queryAnswer = (query: ConjunctiveQuery, rows: ReturnType<Engine['query']>): Omit<Answer, 'refused'> => {
  const names = [...new Set(query.calls.flatMap(({ args }) => args))]
  const shown = names.filter((name) => !name.startsWith('#'))
  const data = rows.map((row) => names.map((name) => row[name]))
  if (shown.length === 0) return { text: String(rows.length > 0), data }
  return { text: listText(rows.map((row) => rowText(shown.map((name) => row[name] ?? null)))), data }
}
