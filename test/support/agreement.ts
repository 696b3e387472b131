/** Agreement: an engine with the oracle, question by question, and the questions of one engine with each other. */
import { messageOf } from '../../src/base/message.ts'
import type { Value } from '../../src/base/value.ts'
import type { Constraint, Engine, Request, Row } from '../../src/engine/engine.ts'
import { QueryError } from '../../src/engine/engine.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { openQuestions } from './open-question.ts'
import type { Answer, Asked } from './question.ts'
import { answer, requestOf } from './question.ts'
import { askedText } from './question-text.ts'

/** What the engine answers differently, one line each. */
export const disagreements = (engine: Engine, oracle: Oracle, questions: readonly Asked[]): string[] =>
  questions.flatMap((asked) => disagreement(engine, oracle, asked) ?? [])

export const disagreement = (engine: Engine, oracle: Oracle, asked: Asked): string | null => {
  const expected = answer(oracle, asked)
  const found = answerOrBug(engine, asked)
  if (sameAnswer(asked, expected, found)) return null
  if (expected.refused && found.refused && refusalCodes(oracle, asked).includes(found.text)) return null
  return `${askedText(asked)}\n  expected ${expected.text}\n  found    ${found.text}`
}

/** Whether the engine finds the question more than a plan takes: a limit of it, of which an oracle knows nothing. */
export const isTooComplex = (engine: Engine, asked: Asked): boolean => answerOrBug(engine, asked).text === 'refused query-too-complex'

/** An error that is no refusal is a wrong answer, told like one. */
const answerOrBug = (engine: Engine, asked: Asked): Answer => {
  try {
    return answer(engine, asked)
  } catch (error) {
    return { text: `error ${messageOf(error)}`, data: null, refused: false }
  }
}

const refusalCodes = (oracle: Oracle, { question }: Asked): string[] =>
  openQuestions(question).flatMap((open) => oracle.refusalCodes(open).map((code) => `refused ${code}`))

const sameAnswer = ({ question }: Asked, expected: Answer, found: Answer): boolean => {
  // The order of matches is the engine's own; all other answers have one order.
  const content = ({ data }: Answer): string =>
    JSON.stringify(question.kind === 'match' && Array.isArray(data) ? data.map((item) => JSON.stringify(item)).sort() : data)
  return expected.refused === found.refused && content(expected) === content(found)
}

/** One decision, which every kind of question can tell. */
export interface Decision {
  readonly actor: Value
  readonly action: string
  readonly resource: Value
}

/** Where authorize, list, actions, resources and query contradict each other about one decision, one line each. */
export const contradictions = (engine: Engine, decision: Decision, context: Omit<Asked, 'question'>): string[] => {
  const request = requestOf({ question: { kind: 'actions', ...decision }, ...context })
  try {
    const views = viewsOf(engine, decision, request)
    const given = Object.values(views).filter((view) => view !== null)
    const told = `${JSON.stringify(decision)}: ${JSON.stringify(views)}`
    return [...(new Set(given).size > 1 ? [told] : []), ...pageContradictions(engine, decision, request)]
  } catch (error) {
    return [`${JSON.stringify(decision)}: error ${messageOf(error)}`]
  }
}

/** The decision as each kind of question tells it; null where it is refused. */
const viewsOf = (engine: Engine, { actor, action, resource }: Decision, request: Request): Record<string, boolean | null> => {
  const rows = (actors: string[] | null, actions: string[] | null, resources: string[] | null): readonly Row[] => {
    const constraints: Record<string, Constraint> = {
      actor: { type: actor.type, ids: actors },
      action: { type: 'String', ids: actions },
      resource: { type: resource.type, ids: resources },
    }
    return engine.query({ calls: [{ predicate: 'allow', args: ['actor', 'action', 'resource'] }], constraints }, request)
  }
  const covers = (found: readonly Row[], name: string, id: string): boolean => found.some((row) => row[name] === id || row[name] === null)
  const list = attempt(() => engine.list(actor, action, resource.type, request))
  const verbs = attempt(() => rows([actor.id], null, [resource.id]))
  return {
    authorize: attempt(() => engine.authorize(actor, action, resource, request)),
    resources: attempt(() => engine.authorizeResources(actor, action, [resource], request).length === 1),
    list: list && (list.includes(resource.id) || list.includes('*')),
    check: attempt(() => rows([actor.id], [action], [resource.id]).length === 1),
    objects: attempt(() => covers(rows([actor.id], [action], null), 'resource', resource.id)),
    verbs: verbs && covers(verbs, 'action', action),
    // A wildcard among the actions is replaced by the declared ones, and this may be another.
    actions:
      verbs && attempt(() => engine.actions(actor, resource, request).includes(action) || verbs.some((row) => row['action'] === null)),
    subjects: attempt(() => covers(rows(null, [action], [resource.id]), 'actor', actor.id)),
  }
}

/** Null for a refusal: a question that is refused contradicts nothing. */
const attempt = <T>(ask: () => T): T | null => {
  try {
    return ask()
  } catch (error) {
    if (error instanceof QueryError) return null
    throw error
  }
}

const pageContradictions = (engine: Engine, { actor, action, resource }: Decision, request: Request): string[] => {
  const list = attempt(() => engine.list(actor, action, resource.type, request))
  if (list === null) return []
  return [1, 3].flatMap((size) => {
    const found: string[] = []
    for (let after: string | null = null, more = true; more && found.length <= list.length; after = found.at(-1) ?? null) {
      const page = engine.listPage(actor, action, { resourceType: resource.type, size, after }, request)
      if (page.ids.length > size) return [`a page of ${size} has ${page.ids.length} ids`]
      found.push(...page.ids)
      more = page.more
    }
    return JSON.stringify(found) === JSON.stringify(list) ? [] : [`pages of ${size}: ${found.join()}; list: ${list.join()}`]
  })
}
