/** The Drive-like data set: tenants with groups and a tree of folders, shared with groups, and documents, shared with users or public. */
import { readFileSync } from 'node:fs'
import { at } from '../../src/base/assert.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import type { DataSet } from './data-set.ts'
import { DriveAnswers } from './drive-answers.ts'
import { Random, scramble } from './random.ts'

export interface DriveShape {
  readonly tenants: number
  readonly users: number
  readonly groups: number
  /** Groups that a user is in. */
  readonly memberships: number
  /** Of the tree of folders: 4 and 6 make 1,365 of them. */
  readonly branching: number
  readonly levels: number
  /** Per folder. */
  readonly documents: number
  /** Tenants that the auditor audits; the inspector audits one, and two folders below the root of another. */
  readonly audited: number
  /** Users of one more tenant, who all reach its one document. */
  readonly crowd: number
}

/** About 10,000 facts per tenant. */
const tenant = { users: 200, groups: 20, memberships: 3, branching: 4, levels: 6, documents: 5, audited: 15 } as const

/** About 11,000 and 1,000,000 facts. */
export const driveShapes = {
  '10k': { ...tenant, tenants: 1, crowd: 1000 },
  '1m': { ...tenant, tenants: 100, crowd: 10_000 },
} as const satisfies Readonly<Record<string, DriveShape>>

const drivePolicy = readFileSync(new URL('drive.polar', import.meta.url), 'utf8')

export const driveSet = (shape: DriveShape): DataSet => ({
  policy: drivePolicy,
  filename: 'drive.polar',
  facts: () => driveFacts(shape),
  answers: () => new DriveAnswers(driveFacts(shape)),
  parent: { relation: 'folder', type: 'Folder' },
  lists: { action: 'comment', auditor, inspector, open: 'read', crowded: crowdedDocument.id },
})

const SHARED_FOLDERS = 0.02
const SHARED_DOCUMENTS = 0.1
const PUBLIC_DOCUMENTS = 0.01
/** Of what is shared. */
const EDITORS = 0.4

const auditor: Value = { type: 'User', id: 'usr_auditor' }
const inspector: Value = { type: 'User', id: 'usr_inspector' }
const crowdedTenant: Value = { type: 'Tenant', id: 'tnt_crowd' }
const crowdedDocument: Value = { type: 'Document', id: 'doc_crowd' }

/** Every fact of the set, tenant by tenant. */
export function* driveFacts(shape: DriveShape): Generator<Fact> {
  for (let index = 0; index < shape.tenants; index += 1) yield* tenantFacts(shape, index)
  yield relation(crowdedDocument, 'folder', { type: 'Folder', id: 'fld_crowd' })
  yield relation(crowdedDocument, 'tenant', crowdedTenant)
  for (const user of numbered('User', 'guest', 0, shape.crowd)) yield role(user, 'member', crowdedTenant)
}

function* tenantFacts(shape: DriveShape, index: number): Generator<Fact> {
  const random = new Random(index)
  const owner: Value = { type: 'Tenant', id: idOf('tnt', index) }
  const users = numbered('User', 'usr', index, shape.users)
  const groups = numbered('Group', 'grp', index, shape.groups)
  for (const user of users) {
    yield role(user, 'member', owner)
    for (const group of random.shuffled(groups).slice(0, shape.memberships)) yield role(user, 'member', group)
  }
  const folders = numbered('Folder', 'fld', index, folderCount(shape))
  for (const [number, folder] of folders.entries()) {
    yield number === 0 ? relation(folder, 'tenant', owner) : relation(folder, 'parent', at(folders, parentOf(number, shape)))
    if (random.chance(SHARED_FOLDERS)) yield role(random.pick(groups), drawRole(random), folder)
    // One tenant and half of another have about 10,000 documents together.
    if (index === 1 && (number === 1 || number === 2)) yield role(inspector, 'viewer', folder)
  }
  if (index < shape.audited) yield role(auditor, 'auditor', owner)
  if (index === 0) yield role(inspector, 'auditor', owner)
  for (const [number, document] of numbered('Document', 'doc', index, folders.length * shape.documents).entries()) {
    yield relation(document, 'folder', at(folders, Math.floor(number / shape.documents)))
    if (random.chance(SHARED_DOCUMENTS)) yield role(random.pick(users), drawRole(random), document)
    if (random.chance(PUBLIC_DOCUMENTS)) yield { predicate: 'is_public', args: [document] }
  }
}

export const folderCount = ({ branching, levels }: DriveShape): number =>
  Array.from({ length: levels }, (_, level) => branching ** level).reduce((sum, count) => sum + count, 0)

const parentOf = (number: number, { branching }: DriveShape): number => Math.floor((number - 1) / branching)

const drawRole = (random: Random): string => (random.chance(EDITORS) ? 'editor' : 'viewer')

/** As in the other set: neighbours in order are strangers. */
const idOf = (prefix: string, number: number): string => `${prefix}_${scramble(number).toString(16).padStart(8, '0')}`

const numbered = (type: string, prefix: string, index: number, count: number): Value[] =>
  Array.from({ length: count }, (_, number) => ({ type, id: idOf(prefix, index * count + number) }))

const role = (holder: Value, name: string, resource: Value): Fact => ({
  predicate: 'has_role',
  args: [holder, { type: 'String', id: name }, resource],
})

const relation = (subject: Value, name: string, object: Value): Fact => ({
  predicate: 'has_relation',
  args: [subject, { type: 'String', id: name }, object],
})
