/** What compiled questions take of the memory: they are dropped for another one, and a question that fits in no case is refused. */
import { expect, test } from 'vitest'
import { sqliteModule, trampolineModule } from '#wasm'
import type { Value } from '../../src/base/value.ts'
import type { Engine, Request } from '../../src/engine/engine.ts'
import { instantiate, openDatabase } from '../../src/store/binding.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'

const mib = 1024 * 1024
const request: Request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 60_000 }
const value = (type: string, id: string): Value => ({ type, id })

/** Every argument that is left open may be of any type: the more of them there are, the longer the statement. */
const policy = (types: readonly string[]) =>
  validPolicy(`${types.map((type) => `actor ${type} {}`).join('\n')}
resource Folder {}
resource Doc { relations = { parent: Folder, owner: Actor }; }
odd(_: Integer, User{"u"}, User{"b"}, _);
odd(x: Integer, _: Resource, _: Actor, _: Doc) if odd(x, _, _, Doc{"d"});
allow(_: Actor, "read", _: Resource);
allow(_: Actor, _: String, _: Resource) if not odd(_, _, _, _);`)

const open = (types: readonly string[], maxBytes: number): Engine =>
  openCell(openDatabase(instantiate(sqliteModule, trampolineModule, { maxBytes, nowMs: () => 0 })), policy(types), []).engine

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
