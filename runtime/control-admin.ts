/** What the admin key may do to environments and keys: each change goes through the log, and is answered when it holds here. */
import { limits } from '../src/base/limits.ts'
import { controlEnvironment, isReserved, keyCreated, keyRevoked } from '../src/log/control.ts'
import type { InnerReplicator, Published } from '../src/log/inner.ts'
import { LogError } from '../src/log/log.ts'
import type { Change } from '../src/log/record.ts'
import { ApiError } from '../src/wire/api-error.ts'
import { developmentEnvironment, isEnvironmentId } from '../src/wire/api-key.ts'
import type { Control } from './control.ts'
import { type AdminKey, hashKey, type KeyAccess, type KeyRecord, type KeyRing, keysPerEnvironment, makeKey } from './keys.ts'
import type { Platform } from './platform.ts'
import type { Environment, Environments } from './service.ts'

export interface AdminOptions {
  readonly key: AdminKey
  readonly control: Control
  readonly keys: KeyRing
  /** With `control` among them. */
  readonly environments: AdministeredEnvironments
  readonly replicator: InnerReplicator
  readonly platform: Platform
  /** Longest wait until a durable change holds in this process. */
  readonly appliedWaitMs: number
  readonly development: boolean
}

export interface AdministeredEnvironments extends Pick<Environments, 'find' | 'load' | 'all'> {
  ids(): readonly string[]
  /** Whether it answers, now or as soon as it is asked. */
  serves(id: string): boolean
}

/** A change that is durable; `applied` tells whether it holds in this process already. */
export interface Changed {
  readonly applied: boolean
  /** Of `control`, null while it is not known here. */
  readonly offset: string | null
}

/** Longest wait for the replicator: for a record, and for a snapshot, which takes seconds per million facts. */
const RECORD_MS = 10_000
const SNAPSHOT_MS = 300_000

export class Admin {
  readonly #options: AdminOptions
  /** Makes keys a function of their write id, so that a repetition after an unknown outcome makes the same key. */
  readonly #secret: string
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(options: AdminOptions) {
    this.#options = options
    this.#secret = `${options.platform.newId()}${options.platform.newId()}`
  }

  get key(): AdminKey {
    return this.#options.key
  }

  get control(): Control {
    return this.#options.control
  }

  get keys(): KeyRing {
    return this.#options.keys
  }

  get replicator(): InnerReplicator {
    return this.#options.replicator
  }

  /** The replica of `control`. */
  get environment(): Environment {
    const environment = this.#options.environments.find(controlEnvironment)
    if (environment === undefined) throw new ApiError('not-ready', 'the control environment is not loaded')
    return environment
  }

  find(id: string): Environment | undefined {
    return id === controlEnvironment ? undefined : this.#options.environments.find(id)
  }

  /** Every environment that is in memory, but `control`. */
  environments(): readonly Environment[] {
    return [...this.#options.environments.all()].filter(({ id }) => id !== controlEnvironment)
  }

  /** Those that are served and not in memory until somebody asks for them. */
  idle(): readonly string[] {
    const { environments } = this.#options
    const loaded = new Set(Array.from(environments.all(), ({ id }) => id))
    return environments.ids().filter((id) => !loaded.has(id))
  }

  serves(id: string): boolean {
    return id !== controlEnvironment && this.#options.environments.serves(id)
  }

  /** Rejects with ApiError 400 or 409, or with LogError. One that exists already is no error. */
  async createEnvironment(id: string, partition: number | null): Promise<Changed> {
    this.#checkNew(id)
    return this.#inTurn(async () => {
      const { control, replicator } = this.#options
      await within(replicator.createEnvironment(id, partition === null ? {} : { partition }), RECORD_MS)
      const changed = await this.#heldHere(() => control.find(id) !== undefined && this.serves(id))
      const actual = control.find(id)?.partition
      if (partition !== null && actual !== undefined && actual !== partition)
        throw new ApiError('conflict', `environment \`${id}\` exists in partition ${actual}`)
      return changed
    })
  }

  async deleteEnvironment(id: string): Promise<Changed> {
    this.#checkPlaced(id)
    if (this.#options.development && id === developmentEnvironment)
      throw new ApiError('conflict', 'the default environment of a development server cannot be deleted')
    return this.#inTurn(async () => {
      await within(this.#options.replicator.deleteEnvironment(id), RECORD_MS)
      return this.#heldHere(() => this.#options.control.wasDeleted(id) && !this.serves(id))
    })
  }

  /** The key, which is kept nowhere. */
  async createKey(
    environment: string,
    access: KeyAccess,
    writeId: string,
  ): Promise<Changed & { readonly key: string; readonly record: KeyRecord }> {
    const { keys, platform } = this.#options
    return this.#inTurn(async () => {
      this.#checkPlaced(environment)
      const { key, record } = makeKey(platform.sha256, { environment, access }, hashKey(platform.sha256, `${this.#secret}${writeId}`))
      const known = keys.records().filter((other) => other.environment === environment)
      if (known.length >= keysPerEnvironment && !known.some(({ tokenId }) => tokenId === record.tokenId))
        throw new ApiError('conflict', `environment \`${environment}\` has ${known.length} keys, at most ${keysPerEnvironment} are allowed`)
      const changed = await this.#write(keyCreated(record), writeId, () => this.#hasKey(record))
      return { ...changed, key, record }
    })
  }

  async revokeKey(environment: string, tokenId: string, writeId: string): Promise<Changed> {
    const key = this.#options.keys.records().find((other) => other.environment === environment && other.tokenId === tokenId)
    if (key === undefined) throw new ApiError('not-found', `environment \`${environment}\` has no key \`${tokenId}\``)
    if (key.source === 'process')
      throw new ApiError('conflict', `key \`${tokenId}\` does not come from the control environment: take it out of the key file`)
    return this.#inTurn(() => this.#write(keyRevoked(environment, tokenId), writeId, () => !this.#hasKey(key)))
  }

  /** Cuts a snapshot and publishes it. */
  async publish(id: string): Promise<Published> {
    if (id !== controlEnvironment) this.#checkPlaced(id)
    return within(this.#options.replicator.publish(id), SNAPSHOT_MS)
  }

  /** Revision of the record that brings every cell back, and whether this process has followed it. */
  async restore(id: string, revision: number): Promise<{ readonly revision: number; readonly applied: boolean }> {
    if (id === controlEnvironment) throw new ApiError('bad-value', 'the control environment cannot be restored: ids are never used again')
    this.#checkPlaced(id)
    const { replicator, appliedWaitMs } = this.#options
    const appended = await within(replicator.restore(id, revision), SNAPSHOT_MS)
    const environment = this.find(id) ?? (await this.#options.environments.load?.(id))
    const logId = environment?.position.replace(/:[^:]*$/, '') ?? ''
    const here = (await environment?.reach({ logId, revision: appended.revision }, appliedWaitMs)) ?? false
    return { revision: appended.revision, applied: here && appended.applied }
  }

  #checkNew(id: string): void {
    if (!isEnvironmentId(id))
      throw new ApiError('bad-value', `\`${id.slice(0, 80)}\` is no environment id, expected letters, digits and \`-\`, at most 64`)
    if (isReserved(id)) throw new ApiError('bad-value', `\`${id}\` is reserved`)
    if (this.#options.control.wasDeleted(id))
      throw new ApiError('conflict', `environment \`${id}\` was deleted, and ids are never used again: choose another one`)
    if (this.serves(id) && this.#options.control.find(id) === undefined)
      throw new ApiError('conflict', `\`${id}\` is a test environment of this process`)
  }

  #checkPlaced(id: string): void {
    if (this.#options.control.find(id) !== undefined) return
    if (this.#options.control.wasDeleted(id)) throw new ApiError('not-found', `environment \`${id}\` was deleted`)
    throw new ApiError(
      'not-found',
      !this.serves(id) ? `there is no environment \`${id.slice(0, 80)}\`` : `\`${id}\` is a test environment of this process`,
    )
  }

  #hasKey({ environment, tokenId }: KeyRecord): boolean {
    return this.#options.keys.records().some((other) => other.environment === environment && other.tokenId === tokenId)
  }

  async #write(changes: readonly Change[], writeId: string, holds: () => boolean): Promise<Changed> {
    const { offset } = await this.environment.write({ kind: 'facts', changes }, writeId)
    return { offset, applied: (await this.#heldHere(holds)).applied }
  }

  async #heldHere(holds: () => boolean): Promise<Changed> {
    const { control, appliedWaitMs } = this.#options
    const applied = await control.until(holds, appliedWaitMs)
    return { applied, offset: applied ? control.position : null }
  }

  /** One change after the other, so that what a change was checked against still holds. */
  async #inTurn<T>(change: () => Promise<T>): Promise<T> {
    if (this.#waiting >= limits.adminChanges) throw new LogError('overloaded', 'too many changes of environments and keys are waiting')
    this.#waiting++
    const turn = this.#last.then(change)
    this.#last = turn.then(
      () => void this.#waiting--,
      () => void this.#waiting--,
    )
    return turn
  }
}

const within = async <T>(work: Promise<T>, timeoutMs: number): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LogError('unknown-outcome', 'the replicator did not answer in time')), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
