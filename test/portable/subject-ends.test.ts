/** What is remembered of where a recursion ends is all of it: an end that comes back to the recursion from its other side is none to remember. */
import { expect, test } from 'vitest'
import type { Fact } from '../../src/base/value.ts'
import { createOracle } from '../oracle/oracle.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'
import { fact, request, value } from '../support/subjects.ts'

const policy = validPolicy(`
actor User {}
resource Tag {}
resource Folder { permissions = ["read"]; relations = { parent: Folder }; }
has_permission(user: User, "read", folder: Folder) if sees(user, folder);
sees(user: User, folder: Folder) if owner(user, folder);
sees(user: User, folder: Folder) if parent matches Folder and has_relation(folder, "parent", parent) and sees(user, parent);
sees(user: User, folder: Folder) if
  tag matches Tag and shows(tag, folder) and other matches Folder and tagged(other, tag) and sees(user, other);
`)

const folder = (id: string): Fact['args'][number] => value('Folder', id)
const parent = (of: string, to: string): Fact => fact('has_relation', folder(of), value('String', 'parent'), folder(to))

const own: readonly Fact[] = [
  fact('owner', value('User', 'u'), folder('own')),
  fact('tagged', folder('own'), value('Tag', 't0')),
  fact('shows', value('Tag', 't0'), folder('shown')),
  parent('below', 'shown'),
]
/** So many folders of one tag that a check had better list what its subject sees than what has the tag. */
const padding: readonly Fact[] = [
  ...Array.from({ length: 20_000 }, (_, index) => fact('tagged', folder(`p${index}`), value('Tag', `p${index % 1000}`))),
  ...Array.from({ length: 1000 }, (_, index) => fact('shows', value('Tag', `p${index}`), folder(`s${index}`))),
  ...Array.from({ length: 300 }, (_, index) => fact('owner', value('User', `p${index}`), folder(`o${index}`))),
  ...Array.from({ length: 300 }, (_, index) => parent(`c${index}`, `c${index + 1}`)),
]

test.each(['none', 'worthwhile', 'always'] as const)('what is seen by a tag is found above and below it, with memory: %s', (memory) => {
  const cell = openCell(emptyDatabase(), policy, [...own, ...padding], memory)
  const oracle = createOracle(policy, own)
  const answers = (engine: Pick<typeof cell.engine, 'authorize'>): readonly boolean[] =>
    ['u', 'stranger'].flatMap((user) =>
      ['own', 'shown', 'below', 'elsewhere'].map((id) => engine.authorize(value('User', user), 'read', folder(id), request)),
    )
  expect(answers(oracle)).toEqual([true, true, true, false, false, false, false, false])
  expect(answers(cell.engine)).toEqual(answers(oracle))
  cell.close()
})
