/** What a plan need not follow, as the program gets there in another order: which rules that is, and that it is never both orders. */
import { describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { acceptedFacts } from '../../src/ir/fact-source.ts'
import type { Instance } from '../../src/ir/instance.ts'
import { Shortcuts } from '../../src/ir/shortcuts.ts'
import { indexRules, Specialiser } from '../../src/ir/specialise.ts'
import type { PositionClass } from '../../src/ir/terms.ts'

const folders = `
  actor User {}
  actor Group { roles = ["member"]; }
  resource Folder {
    roles = ["viewer", "editor"];
    relations = { parent: Folder };
    "viewer" if "editor";
    role if role on "parent";
  }
  resource Document {
    roles = ["viewer", "editor"];
    relations = { folder: Folder };
    "viewer" if "editor";
    role if role on "folder";
  }
`
const through =
  'has_role(user: User, role: String, folder: Folder) if group matches Group and has_role(group, role, folder) and has_role(user, "member", group);'

/** Per rule, by its text: what it leaves out of what it calls. */
const leftOut = (text: string, actor: string, role: string, resource: string): Record<string, string[]> => {
  const policy = known(compilePolicy([{ name: 'policy.polar', text }]).value, 'it compiles')
  const program = new Specialiser(indexRules(policy.rules), acceptedFacts(policy), policy.concreteTypes)
  const shortcuts = new Shortcuts(program)
  const typed = (type: string): PositionClass => ({ kind: 'typed', type, other: false })
  const classes: PositionClass[] = [typed(actor), { kind: 'constant', value: { type: 'String', id: role } }, typed(resource)]
  const node = { predicate: 'has_role', classes }
  return Object.fromEntries(
    program
      .instances('has_role', classes)
      .map((rule): [string, string[]] => [
        shown(policy, rule),
        [...shortcuts.leftOut(node, rule).values()].flatMap((rules) => [...rules].map((item) => shown(policy, item))),
      ])
      .filter(([, rules]) => rules.length > 0),
  )
}

/** The head of a rule and what it asks: one rule stands for several types and names. */
const shown = (policy: CheckedPolicy, { rule, atoms }: Instance): string => {
  const { file, start, end } = rule.span
  const calls = atoms.map((atom) =>
    atom.kind === 'call'
      ? atom.classes.map((item) => (item.kind === 'constant' ? item.value.id : item.kind === 'typed' ? item.type : '?')).join(' ')
      : atom.kind,
  )
  return `${known(policy.files[file], 'file').text.slice(start, end)} → ${calls.join(', ')}`
}

describe('roles that pass from folder to folder', () => {
  test('a weaker name of a role does not walk the folders again', () => {
    expect(leftOut(folders, 'User', 'viewer', 'Folder')).toEqual({
      '"viewer" → User editor Folder': ['role → Folder parent Folder, User editor Folder'],
    })
  })

  test('nor does it on what is in the folders', () => {
    expect(leftOut(folders, 'User', 'viewer', 'Document')).toEqual({
      '"viewer" → User editor Document': ['role → Document folder Folder, User editor Folder'],
    })
  })

  test('nor do the groups of a user, for any of their roles', () => {
    const found = leftOut(`${folders}${through}`, 'User', 'viewer', 'Folder')
    const groups = Object.entries(found).find(([rule]) => rule.startsWith('has_role('))?.[1]
    expect(groups).toEqual(['"viewer" → Group editor Folder', 'role → Folder parent Folder, Group viewer Folder'])
  })

  test('the strongest role leaves nothing out but the walk of its groups', () => {
    expect(leftOut(folders, 'User', 'editor', 'Folder')).toEqual({})
    expect(Object.values(leftOut(`${folders}${through}`, 'User', 'editor', 'Folder'))).toEqual([
      ['role → Folder parent Folder, Group editor Folder'],
    ])
  })
})

describe('what is not the same in another order is followed', () => {
  test('a name that does not pass to what is below', () => {
    const text = folders.replace('role if role on "parent";', '"editor" if "editor" on "parent";')
    expect(leftOut(text, 'User', 'viewer', 'Folder')).toEqual({})
  })

  test('a condition on the folder itself', () => {
    const open = through.replace('has_role(group, role, folder)', 'is_open(folder) and has_role(group, role, folder)')
    const { '"viewer" → User editor Folder': weaker, ...groups } = leftOut(`${folders}${open}`, 'User', 'viewer', 'Folder')
    expect(weaker).toHaveLength(1)
    // The weaker name has the same condition; the walk has another folder's.
    expect(Object.values(groups)).toEqual([['"viewer" → Group editor Folder']])
  })

  test('a walk that only some take', () => {
    const text = folders.replace(
      'role if role on "parent";\n  }\n  resource Document',
      '}\n  has_role(user: User, role: String, folder: Folder) if has_relation(folder, "parent", parent) and parent matches Folder and has_role(user, role, parent) and is_active(user);\n  resource Document',
    )
    expect(Object.keys(leftOut(`${text}${through}`, 'User', 'viewer', 'Folder'))).not.toContain(expect.stringContaining('group'))
    expect(leftOut(`${text}${through}`, 'Group', 'viewer', 'Folder')).toEqual({})
  })

  test('a negation in what would be left out is no reason to follow it, one in what would be followed is', () => {
    const walk = (extra: string): string =>
      `has_role(user: User, role: String, folder: Folder) if has_relation(folder, "parent", parent) and parent matches Folder and has_role(user, role, parent)${extra};`
    const base = folders.replaceAll('role if role on "parent";', '')
    expect(Object.keys(leftOut(`${base}${walk('')}`, 'User', 'viewer', 'Folder'))).toHaveLength(1)
    expect(leftOut(`${base}${walk(' and not is_cut(folder)')}`, 'User', 'viewer', 'Folder')).toEqual({})
  })
})

test('of two orders that lead to the same one is followed', () => {
  const text = `
    actor User {}
    resource Folder { roles = ["viewer", "editor"]; relations = { parent: Folder, twin: Folder }; }
    has_role(user: User, role: String, folder: Folder) if has_relation(folder, "parent", other) and other matches Folder and has_role(user, role, other);
    has_role(user: User, role: String, folder: Folder) if has_relation(folder, "twin", other) and other matches Folder and has_role(user, role, other);
    has_role(user: User, "viewer", folder: Folder) if has_role(user, "editor", folder);
  `
  const found = leftOut(text, 'User', 'viewer', 'Folder')
  expect(Object.keys(found)).toEqual(['has_role(user: User, "viewer", folder: Folder) → User editor Folder'])
  expect(Object.values(found)[0]).toHaveLength(2)
})

/** A walk whose condition is a long path to four nodes that are all joined, and a group with a condition of three: whether the one covers the other is a colouring with three colours. */
const coloured = (length: number): string => {
  const path = Array.from({ length }, (_, index) => `edge(x${index}, x${index + 1}) and x${index} matches Node`)
  const four = [`x${length}`, 'k1', 'k2', 'k3']
  const joined = four.flatMap((one, index) => four.slice(index + 1).map((other) => `edge(${one}, ${other})`))
  const three = ['t0', 't1', 't2']
  const triangle = three.flatMap((one) => three.filter((other) => other !== one).map((other) => `edge(${one}, ${other})`))
  return `
    actor User {}
    actor Group {}
    resource Node {}
    resource Folder { roles = ["viewer"]; relations = { parent: Folder }; }
    has_role(actor: Actor, "viewer", folder: Folder) if
      at(parent, x0) and ${[...path, ...joined].join(' and ')} and ${four.map((name) => `${name} matches Node`).join(' and ')} and
      parent matches Folder and has_relation(folder, "parent", parent) and has_role(actor, "viewer", parent);
    has_role(user: User, "viewer", folder: Folder) if
      group matches Group and other matches Folder and knows(group, other) and at(other, t0) and
      ${triangle.join(' and ')} and ${three.map((name) => `${name} matches Node`).join(' and ')} and member(user, group) and has_role(group, "viewer", folder);
  `
}

test('what would take forever to compare is followed', () => {
  expect(Object.keys(leftOut(coloured(1), 'User', 'viewer', 'Folder'))).toHaveLength(1)
  expect(leftOut(coloured(40), 'User', 'viewer', 'Folder')).toEqual({})
})
