/** The policy of a run, and its facts and questions as the API takes them. */
import type { Side } from './register.ts'

export const chaosPolicy = `actor User {}

resource Document {
  roles = ["reader"];
  permissions = ["read"];

  "read" if "reader";
}
`

/** The user who reads the entries. */
export const entryReader = 'entries'

export const documentOf = (register: string, side: Side): string => `${register}-${side}`

export interface RoleFact {
  readonly predicate: 'has_role'
  readonly args: readonly { readonly type: string; readonly id: string }[]
}

export const readerOf = (user: string, document: string): RoleFact => ({
  predicate: 'has_role',
  args: [
    { type: 'User', id: user },
    { type: 'String', id: 'reader' },
    { type: 'Document', id: document },
  ],
})

/** Moves a register from the other side, if it is on it, in one batch. */
export const moveTo = (register: string, side: Side, from: Side | null): readonly unknown[] => [
  ...(from === null ? [] : [{ deletes: [readerOf(register, documentOf(register, from))] }]),
  { inserts: [readerOf(register, documentOf(register, side))] },
]

export const mayRead = (user: string, document: string) => ({
  actor_type: 'User',
  actor_id: user,
  action: 'read',
  resource_type: 'Document',
  resource_id: document,
})

export const readable = (user: string) => ({ actor_type: 'User', actor_id: user, action: 'read', resource_type: 'Document' })
