/** Generated TypeScript types: what they say, and that the official client type-checks with them. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { TooManyTypes, typescriptTypes } from '../../src/engine/typescript-types.ts'
import { validPolicy } from '../support/check.ts'
import { testDirectory } from '../support/directory.ts'
import { worlds } from '../support/worlds.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const policy = `actor Member {}
global { roles = ["operator"]; permissions = ["open"]; "open" if "operator"; }
resource Org { roles = ["member"]; permissions = ["read"]; "read" if "member"; }
resource Vault {
  roles = ["keeper"];
  permissions = ["read", "seal"];
  relations = { org: Org };
  "seal" if "keeper";
  "read" if "member" on "org";
}
has_permission(m: Member, "inspect", v: Vault) if inspector(m, v, n) and n > 3;
`

test('what a policy becomes', () => {
  expect(
    typescriptTypes(validPolicy(policy)),
  ).toBe(`// Written by \`arctos generate-types typescript\` from the policy: change that instead.

export const PolarResources = {
  "Member": {
    roles: [],
    permissions: [],
    relations: {},
  },
  "Org": {
    roles: ["member"],
    permissions: ["read"],
    relations: {},
  },
  "Vault": {
    roles: ["keeper"],
    permissions: ["read", "seal"],
    relations: { "org": "Org" },
  },
  "global": {
    roles: ["operator"],
    permissions: ["open"],
    relations: {},
  },
} as const

export type PolarTypes = {
  fact:
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "inspect" }, { type: "Vault"; id: string }]
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "open" }]
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "read" }, { type: "Org"; id: string }]
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "read" }, { type: "Vault"; id: string }]
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "seal" }, { type: "Vault"; id: string }]
    | ["has_relation", { type: "Vault"; id: string }, { type: "String"; id: "org" }, { type: "Org"; id: string }]
    | ["has_role", { type: "Member"; id: string }, { type: "String"; id: "keeper" }, { type: "Vault"; id: string }]
    | ["has_role", { type: "Member"; id: string }, { type: "String"; id: "member" }, { type: "Org"; id: string }]
    | ["has_role", { type: "Member"; id: string }, { type: "String"; id: "operator" }]
    | ["inspector", { type: "Member"; id: string }, { type: "Vault"; id: string }, { type: "Integer"; id: string }]
  query:
    | ["allow", { type: "Member"; id: string }, { type: "String"; id: "inspect" }, { type: "Vault"; id: string }]
    | ["allow", { type: "Member"; id: string }, { type: "String"; id: "open" }]
    | ["allow", { type: "Member"; id: string }, { type: "String"; id: "read" }, { type: "Org"; id: string }]
    | ["allow", { type: "Member"; id: string }, { type: "String"; id: "read" }, { type: "Vault"; id: string }]
    | ["allow", { type: "Member"; id: string }, { type: "String"; id: "seal" }, { type: "Vault"; id: string }]
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "inspect" }, { type: "Vault"; id: string }]
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "open" }]
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "read" }, { type: "Org"; id: string }]
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "read" }, { type: "Vault"; id: string }]
    | ["has_permission", { type: "Member"; id: string }, { type: "String"; id: "seal" }, { type: "Vault"; id: string }]
  resources: typeof PolarResources
}
`)
})

test('an empty policy', () => {
  const text = typescriptTypes(validPolicy(''))
  expect(text).toContain('PolarResources = {} as const')
  expect(text).toContain('fact: never')
})

test('the order of the policy does not matter', () => {
  const [first, ...others] = policy.split(/(?<=\n)(?=resource|has_permission)/)
  expect(typescriptTypes(validPolicy([...others.toReversed(), first].join('\n')))).toBe(typescriptTypes(validPolicy(policy)))
})

test('a policy with more types than anyone can use is refused', () => {
  const types = Array.from({ length: 60 }, (_, index) => `actor A${index} {}`).join('\n')
  expect(() => typescriptTypes(validPolicy(`${types}\ntie(a: Actor, b: Actor, c: Actor) if knot(a, b, c);`))).toThrow(TooManyTypes)
})

/** Calls of the official client, right and wrong ones. */
const use = `import { Oso, typedVar } from 'oso-cloud'
import { PolarResources, type PolarTypes } from './types.ts'

export const use = async (): Promise<void> => {
  const oso = new Oso<PolarTypes>('http://127.0.0.1:1', 'e_0_0_key')
  const ann = { type: 'Member', id: 'ann' } as const
  const vault = { type: 'Vault', id: 'v1' } as const
  await oso.insert(['has_role', ann, 'keeper', vault])
  await oso.insert(['has_role', ann, 'operator'])
  await oso.insert(['inspector', ann, vault, 4])
  await oso.delete(['has_relation', vault, 'org', null])
  await oso.authorize(ann, 'seal', vault, [['has_role', ann, 'member', { type: 'Org', id: 'o' }]])
  await oso.list(ann, 'read', 'Org')
  const actions: ('read' | 'seal' | 'inspect')[] = await oso.actions(ann, vault)
  await oso.buildQuery(['allow', ann, 'inspect', typedVar('Vault')]).evaluate(typedVar('Vault'))
  await oso.batch((tx) => tx.insert(['has_role', ann, 'keeper', vault]))
  const relations: { readonly org: 'Org' } = PolarResources.Vault.relations
  // @ts-expect-error no such role
  await oso.insert(['has_role', ann, 'keper', vault])
  // @ts-expect-error a role of another type
  await oso.insert(['has_role', ann, 'member', vault])
  // @ts-expect-error no such predicate
  await oso.insert(['has_rule', ann, 'keeper', vault])
  // @ts-expect-error no such permission
  await oso.authorize(ann, 'steal', vault)
  // @ts-expect-error no such type
  await oso.list(ann, 'read', 'Box')
  void [actions, relations]
}
`

test('the official client type-checks with them, and with those of every world', { timeout: 120_000 }, () => {
  const folder = testDirectory()
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'types.ts'), typescriptTypes(validPolicy(policy)))
  writeFileSync(join(folder, 'use.ts'), use)
  mkdirSync(join(folder, 'worlds'))
  for (const world of worlds) {
    const client = "import { Oso } from 'oso-cloud'\nexport const oso = new Oso<PolarTypes>('', '')\n"
    writeFileSync(join(folder, 'worlds', `${world.name}.ts`), `${client}${typescriptTypes(validPolicy(world.policy))}`)
  }
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: 'nodenext',
    target: 'es2024',
    types: ['node'],
    allowImportingTsExtensions: true,
    preserveSymlinks: true,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts', 'worlds/*.ts'] }))
  const { stdout, status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8', cwd: folder })
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
})
