/** What the `control` environment says, made true in this process: which environments are served, and which keys open them. */
import { controlKeys, deletedEnvironments, type PlacedEnvironment, placedEnvironments } from '../src/log/control.ts'
import { Openings } from './control-openings.ts'
import type { KeyRing } from './keys.ts'
import type { Platform } from './platform.ts'
import type { Environment } from './service.ts'

export interface ControlOptions {
  /** The replica of `control`. */
  readonly environment: Pick<Environment, 'store' | 'position' | 'reach'>
  readonly environments: ChangingEnvironments
  readonly keys: KeyRing
  readonly platform: Pick<Platform, 'log' | 'monotonicMs'>
}

/** The environments of this process, as far as they come and go. */
export interface ChangingEnvironments {
  ids(): readonly string[]
  /** Whether it answers, now or as soon as it is asked. */
  serves(id: string): boolean
  /** Resolves when it does. */
  serve(id: string): Promise<void>
  /** None finds it from now on; requests in flight end on it. */
  drop(id: string): void
}

/** One wait for the next record; then the next wait. */
const FOLLOW_MS = 60_000

export class Control {
  readonly #options: ControlOptions
  readonly #openings: Openings
  #placed: ReadonlyMap<string, PlacedEnvironment> = new Map()
  #deleted: ReadonlySet<string> = new Set()
  readonly #watchers = new Set<() => void>()
  /** Beside those that are placed. */
  readonly #wanted = new Set<string>()
  #following = false

  constructor(options: ControlOptions) {
    this.#options = options
    this.#openings = new Openings({
      open: (id) => options.environments.serve(id),
      ended: () => this.#changed(),
      platform: options.platform,
    })
    this.#read()
  }

  get position(): string {
    return this.#options.environment.position
  }

  /** Every environment that exists. */
  placed(): readonly PlacedEnvironment[] {
    return [...this.#placed.values()]
  }

  find(id: string): PlacedEnvironment | undefined {
    return this.#placed.get(id)
  }

  wasDeleted(id: string): boolean {
    return this.#deleted.has(id)
  }

  /** Why not all is served that should be, or null. */
  problem(): string | null {
    return this.#openings.failed === 0 ? null : 'an environment cannot be opened'
  }

  /** An environment that is opened as soon as that is possible, whether or not it is placed. Before `start`. */
  want(id: string): void {
    this.#wanted.add(id)
  }

  /** From now on every record of `control` takes effect here. Resolves when each environment is open, or an attempt to open it has failed. */
  async start(): Promise<void> {
    this.#following = true
    void this.#follow()
    await this.until(() => this.#openings.settled, null)
  }

  /** Whether the condition holds within the time; null waits as long as it takes. It may ask this object, the keys and the environments. */
  until(holds: () => boolean, timeoutMs: number | null): Promise<boolean> {
    if (holds()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const end = (reached: boolean): void => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        resolve(reached)
      }
      const look = (): void => {
        if (holds()) end(true)
      }
      const timer = timeoutMs === null ? undefined : setTimeout(() => end(false), timeoutMs)
      this.#watchers.add(look)
    })
  }

  close(): void {
    this.#following = false
    this.#openings.close()
  }

  async #follow(): Promise<void> {
    const { environment, platform } = this.#options
    while (this.#following) {
      const { logId, revision } = splitPosition(environment.position)
      this.#read()
      this.#enact()
      this.#changed()
      const sinceMs = platform.monotonicMs()
      const reached = await environment.reach({ logId, revision: revision + 1 }, FOLLOW_MS)
      // A replica that is closed lets nobody wait.
      if (!reached && platform.monotonicMs() - sinceMs < FOLLOW_MS / 2) return
    }
  }

  #read(): void {
    const { environment, keys } = this.#options
    this.#deleted = new Set(deletedEnvironments(environment.store))
    // Of a creation and a deletion that met, the deletion counts in whatever order they came.
    const placed = placedEnvironments(environment.store).filter(({ id }) => !this.#deleted.has(id))
    this.#placed = new Map(placed.map((one) => [one.id, one]))
    keys.follow(controlKeys(environment.store), (id) => this.#deleted.has(id))
  }

  /** Opens and drops what has to be. Keys come first: what is dropped is not found by a key any more. */
  #enact(): void {
    const { environments } = this.#options
    this.#dropDeleted()
    const wanted = new Set([...this.#placed.keys(), ...this.#wanted])
    this.#openings.want(new Set([...wanted].filter((id) => !environments.serves(id) && !this.#deleted.has(id))))
  }

  #changed(): void {
    // One may have been deleted while it was opened.
    this.#dropDeleted()
    for (const look of this.#watchers) look()
  }

  #dropDeleted(): void {
    const { environments } = this.#options
    for (const id of environments.ids()) if (this.#deleted.has(id)) environments.drop(id)
  }
}

/** Unlike a token this may stand before the first record. */
const splitPosition = (position: string): { readonly logId: string; readonly revision: number } => {
  const colon = position.lastIndexOf(':')
  return { logId: position.slice(0, colon), revision: Number(position.slice(colon + 1)) }
}
