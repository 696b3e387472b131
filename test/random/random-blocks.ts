/** Random actor, resource and global blocks with shorthand rules. */
import type { Item } from './item.ts'
import type { Random } from './prng.ts'
import { times } from './prng.ts'
import { globalPermissions, globalRoles, permissions, roles } from './vocabulary.ts'

export const randomBlocks = (random: Random): Item[] => {
  const botExtends = random.chance(0.4)
  const docExtends = random.chance(0.4)
  const blocks: Item[] = [
    { kind: 'block', head: 'actor User', parts: [] },
    { kind: 'block', head: botExtends ? 'actor Bot extends User' : 'actor Bot', parts: [] },
    { kind: 'block', head: 'actor Team', parts: random.chance(0.3) ? ['roles = ["viewer"];'] : [] },
    resourceBlock(random, 'Folder', false),
    resourceBlock(random, docExtends ? 'Doc extends Folder' : 'Doc', docExtends),
  ]
  if (random.chance(0.5)) blocks.push(globalBlock(random))
  return blocks
}

const quoted = (names: readonly string[]): string => `[${names.map((name) => JSON.stringify(name)).join(', ')}]`

const resourceBlock = (random: Random, head: string, inherits: boolean): Item => {
  const declarations = [
    `roles = ${quoted(roles)};`,
    `permissions = ${quoted(permissions)};`,
    'relations = { parent: Folder, owner: Actor, team: Team };',
  ]
  // A subtype may declare nothing and use what it inherits.
  const declared = inherits && random.chance(0.5) ? [] : declarations
  return { kind: 'block', head: `resource ${head}`, parts: [...declared, ...times(random.below(5), () => shorthand(random))] }
}

const globalBlock = (random: Random): Item => ({
  kind: 'block',
  head: 'global',
  parts: [
    `roles = ${quoted(globalRoles)};`,
    `permissions = ${quoted(globalPermissions)};`,
    ...times(random.below(3), () => `"${random.pick(globalPermissions)}" if "${random.pick(globalRoles)}";`),
  ],
})

const shorthand = (random: Random): string => {
  const roll = random.below(10)
  if (roll === 0) return 'role if role on "parent";'
  if (roll === 1) return 'permission if permission on "parent";'
  const head = random.chance(0.6) ? random.pick(permissions) : random.pick(roles)
  const body = times(1 + random.below(3), () => condition(random)).join(random.chance(0.6) ? ' and ' : ' or ')
  return `"${head}" if ${body};`
}

const condition = (random: Random): string => {
  const name = random.chance(0.7) ? random.pick(roles) : random.pick(permissions)
  const forms = [
    () => `"${name}"`,
    () => `"${name}"`,
    () => '"owner"',
    () => `"${name}" on "parent"`,
    () => `"owner" on "parent"`,
    () => 'role on "parent"',
    () => `not "${name}"`,
    () => `not "${name}" on "parent"`,
    () => `base1(actor)`,
    () => `base2(actor, resource)`,
    () => `not base2(actor, resource)`,
    () => `(${condition(random)} or ${condition(random)})`,
    () => `global "${random.pick(globalRoles)}"`,
  ]
  return random.pick(forms)()
}
