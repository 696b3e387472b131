/** Decisions of the Drive-like policy over its facts, by maps and walks through the tree: what the engine must agree with before it is timed. */
import { at, known } from '../../src/base/assert.ts'
import type { Fact } from '../../src/base/value.ts'
import type { Answers } from './data-set.ts'
import { entry } from './entry.ts'

type Role = 'viewer' | 'editor'

interface Folder {
  parent: string | null
  tenant: string | null
  readonly folders: string[]
  readonly documents: string[]
  readonly groups: Share[]
  readonly users: Share[]
}

interface Document {
  folder: string
  tenant: string | null
  isPublic: boolean
  readonly users: Share[]
}

interface Share {
  readonly holder: string
  readonly role: Role
}

/** Everything is known by its id; ids of different types never meet here. */
export class DriveAnswers implements Answers {
  readonly resourceType = 'Document'
  /** What is public would else be most of what is asked. */
  readonly actions = ['comment', 'read', 'write'] as const
  readonly #tenants = new Map<
    string,
    { readonly members: string[]; readonly auditors: string[]; readonly roots: string[]; readonly documents: string[] }
  >()
  readonly #groups = new Map<string, string[]>()
  readonly #folders = new Map<string, Folder>()
  readonly #documents = new Map<string, Document>()
  /** Per user, where a list begins. */
  readonly #groupsOf = new Map<string, string[]>()
  readonly #foldersOf = new Map<string, { readonly folder: string; readonly role: Role }[]>()
  readonly #documentsOf = new Map<string, { readonly document: string; readonly role: Role }[]>()
  readonly #tenantsOf = new Map<string, string[]>()
  readonly #auditedBy = new Map<string, string[]>()
  readonly #foldersOfGroup = new Map<string, { readonly folder: string; readonly role: Role }[]>()
  readonly #public: string[] = []

  constructor(facts: Iterable<Fact>) {
    for (const fact of facts) this.#add(fact)
  }

  users(): string[] {
    return [...new Set([...this.#groupsOf.keys(), ...this.#auditedBy.keys()])]
  }

  resources(): string[] {
    return [...this.#documents.keys()]
  }

  allowed(user: string, action: string, id: string): boolean {
    const document = this.#documents.get(id)
    if (document === undefined) return false
    return (action === 'read' && document.isPublic) || this.#holders(document, action).has(user)
  }

  list(user: string, action: string): string[] {
    const found = new Set(action === 'read' ? this.#public : [])
    const suffices = roleFor(action)
    for (const { document, role } of this.#documentsOf.get(user) ?? []) if (suffices(role)) found.add(document)
    const shares = [...(this.#foldersOf.get(user) ?? [])]
    for (const group of this.#groupsOf.get(user) ?? []) shares.push(...(this.#foldersOfGroup.get(group) ?? []))
    const folders = new Set(shares.flatMap(({ folder, role }) => (suffices(role) ? [folder] : [])))
    if (suffices('viewer')) {
      for (const tenant of this.#auditedBy.get(user) ?? []) for (const root of this.#tenant(tenant).roots) folders.add(root)
      for (const tenant of this.#tenantsOf.get(user) ?? []) for (const document of this.#tenant(tenant).documents) found.add(document)
    }
    // Grows while it is walked: by what is below.
    for (const id of folders) {
      const folder = this.#folder(id)
      for (const child of folder.folders) folders.add(child)
      for (const document of folder.documents) found.add(document)
    }
    return [...found]
  }

  subjects(action: string, id: string): string[] {
    return [...this.#holders(known(this.#documents.get(id), 'the document exists'), action)]
  }

  neighbours(id: string): readonly string[] {
    const { folder } = known(this.#documents.get(id), 'the document exists')
    const { parent } = this.#folder(folder)
    const near = parent === null ? [folder] : [...this.#folder(parent).folders, parent]
    return near.flatMap((each) => this.#folder(each).documents)
  }

  parentOf(id: string): string {
    return known(this.#documents.get(id), 'the document exists').folder
  }

  /** Users with a role that suffices, from the document upwards. */
  #holders(document: Document, action: string): Set<string> {
    const suffices = roleFor(action)
    const found = new Set<string>()
    const give = (shares: readonly Share[], users: (holder: string) => readonly string[]): void => {
      for (const { holder, role } of shares) if (suffices(role)) for (const user of users(holder)) found.add(user)
    }
    const itself = (user: string): readonly string[] => [user]
    give(document.users, itself)
    if (document.tenant !== null && suffices('viewer')) for (const user of this.#tenant(document.tenant).members) found.add(user)
    for (let id: string | null = document.folder; id !== null; ) {
      const folder: Folder = this.#folder(id)
      give(folder.users, itself)
      give(folder.groups, (group) => this.#groups.get(group) ?? [])
      if (folder.tenant !== null && suffices('viewer')) for (const user of this.#tenant(folder.tenant).auditors) found.add(user)
      id = folder.parent
    }
    return found
  }

  #add({ predicate, args }: Fact): void {
    const subject = at(args, 0)
    if (predicate === 'is_public') {
      this.#public.push(subject.id)
      this.#document(subject.id).isPublic = true
      return
    }
    const [name, object] = [at(args, 1).id, at(args, 2)]
    switch (`${subject.type} ${name} ${object.type}`) {
      case 'Folder parent Folder':
        this.#folder(subject.id).parent = object.id
        this.#folder(object.id).folders.push(subject.id)
        return
      case 'Folder tenant Tenant':
        this.#folder(subject.id).tenant = object.id
        this.#tenant(object.id).roots.push(subject.id)
        return
      case 'Document folder Folder':
        this.#document(subject.id).folder = object.id
        this.#folder(object.id).documents.push(subject.id)
        return
      case 'Document tenant Tenant':
        this.#document(subject.id).tenant = object.id
        this.#tenant(object.id).documents.push(subject.id)
        return
      default:
        return this.#addRole(subject.type, { holder: subject.id, role: name, object })
    }
  }

  #addRole(type: string, fact: { readonly holder: string; readonly role: string; readonly object: Fact['args'][number] }): void {
    const { holder, role, object } = fact
    switch (`${type} ${object.type}`) {
      case 'User Tenant':
        entry(role === 'auditor' ? this.#auditedBy : this.#tenantsOf, holder, () => [] as string[]).push(object.id)
        this.#tenant(object.id)[role === 'auditor' ? 'auditors' : 'members'].push(holder)
        return
      case 'User Group':
        entry(this.#groupsOf, holder, () => [] as string[]).push(object.id)
        entry(this.#groups, object.id, () => [] as string[]).push(holder)
        return
      case 'Group Folder':
        entry(this.#foldersOfGroup, holder, () => [] as { folder: string; role: Role }[]).push({ folder: object.id, role: roleOf(role) })
        this.#folder(object.id).groups.push({ holder, role: roleOf(role) })
        return
      case 'User Folder':
        entry(this.#foldersOf, holder, () => [] as { folder: string; role: Role }[]).push({ folder: object.id, role: roleOf(role) })
        this.#folder(object.id).users.push({ holder, role: roleOf(role) })
        return
      case 'User Document':
        entry(this.#documentsOf, holder, () => [] as { document: string; role: Role }[]).push({ document: object.id, role: roleOf(role) })
        this.#document(object.id).users.push({ holder, role: roleOf(role) })
        return
      default:
        throw new Error(`the answers do not know a role of ${type} on ${object.type}`)
    }
  }

  #tenant(id: string) {
    return entry(this.#tenants, id, () => ({
      members: [] as string[],
      auditors: [] as string[],
      roots: [] as string[],
      documents: [] as string[],
    }))
  }

  #folder(id: string): Folder {
    return entry(this.#folders, id, (): Folder => ({ parent: null, tenant: null, folders: [], documents: [], groups: [], users: [] }))
  }

  #document(id: string): Document {
    return entry(this.#documents, id, (): Document => ({ folder: '', tenant: null, isPublic: false, users: [] }))
  }
}

/** Whether a role is enough for an action. */
const roleFor = (action: string): ((role: Role) => boolean) => (action === 'write' ? (role) => role === 'editor' : () => true)

const roleOf = (name: string): Role => {
  if (name === 'viewer' || name === 'editor') return name
  throw new Error(`\`${name}\` is no role on folders and documents`)
}
