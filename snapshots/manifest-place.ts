/** Where a publisher writes the manifest of an environment: over exactly the one that it has read, and never one that is older than any it has seen. */
import { assert } from '../src/base/assert.ts'
import { LoadError, logRefusal } from './load-error.ts'
import { isOlder, readManifest, type SeenManifest } from './load-manifest.ts'
import { type Manifest, manifestKey, parseManifest, printManifest } from './manifest.ts'
import { type ObjectStore, type PutCondition, StoreError } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'
import { PublishError, type PublishErrorCode } from './publish-error.ts'
import { publishFailure } from './upload.ts'

export interface ManifestPlaceOptions {
  readonly objects: ObjectStore
  readonly env: string
  readonly platform: SnapshotPlatform
  readonly epoch: () => number
}

export class ManifestPlace {
  readonly #options: ManifestPlaceOptions
  #manifest: Manifest | null = null
  /** Of the object that is there; null when there is none. */
  #version: string | null = null
  #seen: SeenManifest | null = null
  #isStale = false

  constructor(options: ManifestPlaceOptions) {
    this.#options = options
  }

  get manifest(): Manifest | null {
    return this.#manifest
  }

  /** Whether something else may be there now: read it before the next write. */
  get isStale(): boolean {
    return this.#isStale
  }

  /** What is there; null when there is none, or none that can be read, which the next one replaces. Rejects with PublishError. */
  async read(): Promise<Manifest | null> {
    const { objects, env } = this.#options
    try {
      const found = await readManifest({ objects, env, logId: this.#manifest?.logId })
      assert(found !== 'unchanged', 'the manifest was asked for whatever its version')
      this.#take(found?.manifest ?? null, found?.version ?? null)
    } catch (error) {
      if (!(error instanceof LoadError)) throw error
      if (error.code !== 'damaged') throw this.#refusal(error)
      logRefusal(this.#options.platform.log, env, error)
      this.#take(null, await this.#foundVersion())
    }
    this.#isStale = false
    return this.#manifest
  }

  /** A process that was put to sleep and lost its lease must not go on. Throws PublishError. */
  refuseOldEpoch(): void {
    const seen = this.#seen?.epoch ?? 0
    const own = this.#options.epoch()
    if (own < seen) throw this.#failure('superseded', `epoch ${seen} has begun, this process writes in epoch ${own}`)
  }

  /** False when another one took its place meanwhile: nothing is written then. Rejects with PublishError. */
  async write(manifest: Manifest): Promise<boolean> {
    if (this.#seen !== null && isOlder(manifest, this.#seen)) {
      throw this.#failure('superseded', `it would cover ${manifest.coveredThrough}, ${this.#seen.coveredThrough} was covered before`)
    }
    const bytes = printManifest(manifest)
    // Refuses to write what no reader would take.
    parseManifest(bytes)
    const condition: PutCondition = this.#version === null ? { kind: 'absent' } : { kind: 'version', version: this.#version }
    try {
      this.#take(manifest, await this.#options.objects.put(manifestKey(manifest.env), bytes, condition))
      return true
    } catch (error) {
      // Unless it was refused it may have been written: the next step looks.
      this.#isStale = true
      if (error instanceof StoreError && error.code === 'precondition') return false
      throw publishFailure(error, { operation: 'write manifest', key: manifestKey(manifest.env), revision: manifest.coveredThrough })
    }
  }

  #take(manifest: Manifest | null, version: string | null): void {
    this.#manifest = manifest
    this.#version = version
    if (manifest !== null && (this.#seen === null || isOlder(this.#seen, manifest))) this.#seen = manifest
  }

  async #foundVersion(): Promise<string | null> {
    const { objects, env } = this.#options
    const key = manifestKey(env)
    try {
      const object = await objects.get(key)
      if (object === null || object === 'unchanged') return null
      await object.chunks[Symbol.asyncIterator]().return?.()
      return object.version
    } catch (error) {
      throw publishFailure(error, { operation: 'read manifest', key, revision: null })
    }
  }

  #refusal(error: LoadError): PublishError {
    const code = error.code === 'format' || error.code === 'foreign' || error.code === 'memory' ? error.code : 'unavailable'
    const { key, revision, reason } = error
    return new PublishError({ code, operation: 'publish beside manifest', key, revision, reason, cause: error })
  }

  #failure(code: PublishErrorCode, reason: string): PublishError {
    const revision = this.#manifest?.coveredThrough ?? null
    return new PublishError({ code, operation: 'write manifest', key: manifestKey(this.#options.env), revision, reason })
  }
}
