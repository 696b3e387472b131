/** What compiled questions take of the memory: they are dropped for another one, and a question that fits in no case is refused. */
import { describe, expect, test } from 'vitest'
import { sqliteModule, trampolineModule } from '#wasm'
import type { Value } from '../../src/base/value.ts'
import { createEngine } from '../../src/engine/create.ts'
import type { Engine, ListPage, Request } from '../../src/engine/engine.ts'
import { instantiate, openDatabase } from '../../src/store/binding.ts'
import { type Database, SqlError, type Statement } from '../../src/store/database.ts'
import { resultCodes } from '../../src/store/instance.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { granted, opened, repository, policy as subjects, user } from '../support/subjects.ts'

const mib = 1024 * 1024
const request: Request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 60_000 }
const value = (type: string, id: string): Value => ({ type, id })

/** Every argument that is left open may be of any type: the more of them there are, the longer the statement. */
const odd = (types: readonly string[]): string => `${types.map((type) => `actor ${type} {}`).join('\n')}
resource Folder {}
resource Doc { relations = { parent: Folder, owner: Actor }; }
odd(_: Integer, User{"u"}, User{"b"}, _);
odd(x: Integer, _: Resource, _: Actor, _: Doc) if odd(x, _, _, Doc{"d"});`

const policy = (types: readonly string[]) =>
  validPolicy(`${odd(types)}
allow(_: Actor, "read", _: Resource);
allow(_: Actor, _: String, _: Resource) if not odd(_, _, _, _);`)

const database = (maxBytes: number): Database => openDatabase(instantiate(sqliteModule, trampolineModule, { maxBytes, nowMs: () => 0 }))

const open = (types: readonly string[], maxBytes: number): Engine => openCell(database(maxBytes), policy(types), []).engine

test('one after the other they are answered where not all of them fit', () => {
  const types = ['User', 'Team']
  const [small, large] = [open(types, 9 * mib), open(types, 256 * mib)]
  for (let round = 0; round < 3; round++)
    for (const actor of types)
      for (const resource of ['Doc', 'Folder'])
        for (const action of ['read', 'write']) {
          const ask = (engine: Engine): boolean => engine.authorize(value(actor, 'a'), action, value(resource, 'r'), request)
          expect(ask(small)).toBe(ask(large))
          expect(ask(small)).toBe(action === 'read')
        }
})

test('one that does not fit alone is refused each time, and others are answered', () => {
  const engine = open(['User', 'Team', 'Bot', 'Device'], 9 * mib)
  const ask = (action: string): boolean => engine.authorize(value('User', 'a'), action, value('Doc', 'r'), request)
  for (let round = 0; round < 2; round++) {
    expect(() => ask('write')).toThrow('the query needs more memory than there is: narrow the question')
    expect(
      engine.match(
        'has_relation',
        [
          { type: 'Doc', id: 'r' },
          { type: 'String', id: null },
          { type: null, id: null },
        ],
        request,
      ),
    ).toEqual([])
  }
})

describe('a long list, which is walked', () => {
  const types = ['User', 'Team']
  const docs = Array.from({ length: 3100 }, (_, index) => ({ predicate: 'granted', args: [value('Doc', `d${index}`)] }))
  const ids = docs.flatMap(({ args }) => args.map(({ id }) => id)).toSorted()
  const openLists = (of: Database): Engine =>
    openCell(
      of,
      validPolicy(`${odd(types)}
allow(_: Actor, "read", d: Doc) if granted(d);
allow(_: Actor, "write", d: Doc) if granted(d) and odd(_, _, _, _);
allow(_: Actor, "share", d: Doc) if granted(d) and odd(1, _, _, d);`),
      docs,
    ).engine
  const page = (engine: Engine, size: number, action = 'read', actor = 'User'): ListPage =>
    engine.listPage(value(actor, 'a'), action, { size, after: null, resourceType: 'Doc' }, request)

  test('is answered where what was compiled for others leaves no room for it', () => {
    const engine = openLists(database(9 * mib))
    for (let round = 0; round < 2; round++)
      for (const actor of types)
        for (const action of ['read', 'write', 'share'])
          expect(page(engine, 20, action, actor)).toEqual({ ids: ids.slice(0, 20), more: true })
  })

  /** Memory runs out in these runs of the statements that walk. The database itself refuses one that was dropped. */
  const failing = (runs: readonly number[]): { readonly engine: Engine; readonly counts: { runs: number; compiled: number } } => {
    const of = database(64 * mib)
    const counts = { runs: 0, compiled: 0 }
    const prepare = of.prepare.bind(of)
    of.prepare = (sql) => {
      const statement = prepare(sql)
      if (!sql.includes('ORDER BY key LIMIT')) return statement
      counts.compiled += 1
      const all = statement.all.bind(statement)
      statement.all = () => {
        counts.runs += 1
        if (runs.includes(counts.runs)) throw new SqlError(resultCodes.noMemory, 'out of memory')
        return all()
      }
      return statement
    }
    return { engine: openLists(of), counts }
  }

  test('names every id once, also when memory runs out half way', () => {
    const { engine, counts } = failing([2])
    expect(page(engine, 2500)).toEqual({ ids: ids.slice(0, 2500), more: true })
    expect(counts).toEqual({ runs: 5, compiled: 2 })
    expect(page(engine, 2500)).toEqual({ ids: ids.slice(0, 2500), more: true })
    expect(counts).toEqual({ runs: 8, compiled: 2 })
  })

  test('is refused when memory runs out again, and answered when there is some', () => {
    const { engine } = failing([2, 4])
    expect(() => page(engine, 2500)).toThrow('the query needs more memory than there is: narrow the question')
    expect(page(engine, 2500)).toEqual({ ids: ids.slice(0, 2500), more: true })
  })
})

test('nothing is left of a question whose statements did not all fit', () => {
  /** Statements that are made for one question, and those that are left; memory runs out for one of them. */
  const ask = (failing: number): { readonly made: number; readonly left: number } => {
    const of = database(64 * mib)
    const store = opened(of)
    store.transaction(() => {
      for (const item of granted) store.insert(item)
    })
    const engine = createEngine({ store, policy: subjects, memory: 'worthwhile' })
    const prepare = of.prepare.bind(of)
    const left = new Set<Statement>()
    let made = 0
    of.prepare = (sql) => {
      made += 1
      if (made === failing) throw new SqlError(resultCodes.noMemory, 'out of memory')
      const statement = prepare(sql)
      const finalize = statement.finalize.bind(statement)
      statement.finalize = () => {
        left.delete(statement)
        finalize()
      }
      left.add(statement)
      return statement
    }
    expect(engine.authorize(user, 'read', repository, request)).toBe(true)
    engine.close()
    return { made, left: left.size }
  }

  const { made, left } = ask(0)
  // The check, and of what is remembered the first step and the next.
  expect(made).toBeGreaterThan(2)
  expect(left).toBe(0)
  for (let failing = 1; failing <= made; failing++) expect(ask(failing)).toEqual({ made: failing + made, left: 0 })
})
