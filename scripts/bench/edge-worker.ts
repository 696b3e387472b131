/** The Worker of the bench: the real one, with an echo route and one that decides many questions in one request. */
import './wasm-memories.ts'
import sqlite from '@sqlite.org/sqlite-wasm/sqlite3.wasm'
import type { Route } from '../../runtime/exchange.ts'
import { json } from '../../runtime/reply.ts'
import { questionOf } from '../../runtime/routes/question.ts'
import { createIsolate } from '../../runtime/worker/isolate.ts'
import trampoline from '../../src/store/trampoline.wasm'
import { parseJson } from '../../src/wire/decode.ts'
import { questionValue } from '../../src/wire/values.ts'
import { echoRoute } from './echo.ts'

interface Decisions {
  /** False: everything is done but the decisions, which is what they are measured against. */
  readonly decide: boolean
  readonly questions: readonly (readonly [user: string, action: string, type: string, id: string])[]
}

const decisions: Route = {
  endpoint: { access: 'read', method: 'POST', path: '/api/decisions' },
  handle({ body, environment: { engine, ...environment } }, service) {
    // Of the bench itself, which sends nothing else.
    const { decide, questions } = parseJson(body) as Decisions
    const question = questionOf(null, { ...environment, engine }, service)
    const allowed = questions.map(([user, action, type, id]) => {
      const [actor, resource] = [questionValue('User', user, 'actor'), questionValue(type, id, 'resource')]
      return decide && engine.authorize(actor, action, resource, question)
    })
    return json({ allowed })
  },
}

export default createIsolate({ sqlite, trampoline }, [echoRoute, decisions])
