/** Keeps what this replicator hosts equal to what the environment `control` says. */
import { known } from '../src/base/assert.ts'
import {
  controlEnvironment,
  creationWriteId,
  environmentCreated,
  environmentDeleted,
  type PlacedEnvironment,
  placedEnvironments,
  wasDeleted,
} from '../src/log/control.ts'
import { LogError } from '../src/log/log.ts'
import type { Store } from '../src/store/facts.ts'
import type { Hosted } from './hosted.ts'

export interface ControlOptions {
  /** The environment `control` itself. */
  readonly hosted: Hosted
  readonly newId: () => string
  /** Starts to host an environment. Settles when it is open; never rejects. */
  readonly open: (placed: PlacedEnvironment) => Promise<void>
  /** Ends it. */
  readonly drop: (env: string) => void
  /** For an environment that names no partition. */
  readonly place: (placed: readonly PlacedEnvironment[]) => number
  /** Of a partition; null where none is shared. Rejects with LogError. */
  readonly lastRevision: (partition: number) => Promise<number | null>
}

export class Control {
  readonly #options: ControlOptions
  readonly #opening = new Map<string, Promise<void>>()
  #revision = -2

  constructor(options: ControlOptions) {
    this.#options = options
  }

  /** After `control` moved on: opens what is new, ends what is gone. */
  changed(): void {
    const store = this.#options.hosted.own?.store
    if (store === undefined || store.revision() === this.#revision) return
    this.#revision = store.revision()
    const placed = placedNow(store)
    const ids = new Set(placed.map(({ id }) => id))
    for (const env of this.#opening.keys()) {
      if (ids.has(env)) continue
      this.#opening.delete(env)
      this.#options.drop(env)
    }
    for (const environment of placed) {
      if (!this.#opening.has(environment.id)) this.#opening.set(environment.id, this.#options.open(environment))
    }
  }

  /** Resolves when everything that `control` names now is open. */
  async opened(): Promise<void> {
    this.changed()
    await Promise.all(this.#opening.values())
  }

  /** Rejects with LogError: `unknown-environment` when the id was deleted, and as an append does. */
  async create(env: string, partition?: number): Promise<void> {
    const { hosted, place, lastRevision } = this.#options
    const { store } = await hosted.current()
    if (!isPlaced(store, env)) {
      if (wasDeleted(store, env)) throw deleted(env)
      const chosen = partition ?? place(placedNow(store))
      // Nothing of it can be in the log yet, so that every cell knows from where on to look.
      const last = await lastRevision(chosen)
      const changes = environmentCreated({ id: env, partition: chosen, ...(last !== null && { bornAfter: last }) })
      await this.#append(changes, creationWriteId(env))
    }
    this.changed()
    const opening = this.#opening.get(env)
    // Whoever deleted it in the meantime was later.
    if (opening === undefined) throw wasDeleted(known(hosted.own, 'what was applied is there').store, env) ? deleted(env) : notYet(env)
    await opening
  }

  async delete(env: string): Promise<void> {
    const { hosted, newId } = this.#options
    if (env === controlEnvironment)
      throw new LogError('unknown-environment', `environment \`${env}\` cannot be deleted: it lists the others`)
    const { store } = await hosted.current()
    if (!isPlaced(store, env)) throw new LogError('unknown-environment', `there is no environment \`${env}\``)
    await this.#append(environmentDeleted(env), newId())
  }

  async #append(changes: ReturnType<typeof environmentDeleted>, writeId: string): Promise<void> {
    const { hosted } = this.#options
    await hosted.begin()
    await hosted.reach(await hosted.append({ kind: 'facts', changes }, writeId))
    this.changed()
  }
}

const placedNow = (store: Store): readonly PlacedEnvironment[] => placedEnvironments(store).filter(({ id }) => !wasDeleted(store, id))

const isPlaced = (store: Store, env: string): boolean => placedNow(store).some(({ id }) => id === env)

/** Of several creations the first one counts, and it is in the log. */
const notYet = (env: string): LogError =>
  new LogError('unavailable', `environment \`${env}\` is in the log and not open here yet; recovery is automatic`)

const deleted = (env: string): LogError =>
  new LogError('unknown-environment', `environment \`${env}\` was deleted: ids are never used again, choose another one`)
