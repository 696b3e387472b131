/** Deletes, now and then, what an environment's manifest names no more, and tells what it names and is gone. */
import { LoadError } from './load-error.ts'
import { restorePrefix } from './object-keys.ts'
import { StoreError } from './object-store.ts'
import { sweep } from './retention.ts'
import type { UploadTo } from './upload.ts'

const HOUR_MS = 3_600_000
/** Between two looks. */
const SWEEP_MS = 60_000

export class Sweeper {
  readonly #of: Pick<UploadTo, 'objects' | 'env' | 'platform'>
  readonly #unreferencedMs: number
  readonly #unreferenced = new Map<string, number>()
  #sweptAtMs: number

  constructor(of: Pick<UploadTo, 'objects' | 'env' | 'platform'>, unreferencedMs = HOUR_MS) {
    this.#of = of
    this.#unreferencedMs = unreferencedMs
    this.#sweptAtMs = of.platform.monotonicMs()
  }

  /** Keys that the manifest names and that are not there. A store that does not answer is left for the next time. */
  async sweepWhenDue(): Promise<readonly string[]> {
    const { objects, env, platform } = this.#of
    const nowMs = platform.monotonicMs()
    if (nowMs - this.#sweptAtMs < SWEEP_MS) return []
    this.#sweptAtMs = nowMs
    try {
      // Only the log knows which restore points its records name.
      const keep = new Set((await objects.list(restorePrefix(env))).map(({ key }) => key))
      const { missing } = await sweep({
        objects,
        env,
        keep,
        platform,
        unreferencedMs: this.#unreferencedMs,
        unreferenced: this.#unreferenced,
      })
      return missing
    } catch (error) {
      if (!(error instanceof StoreError) && !(error instanceof LoadError)) throw error
      platform.log('warn', 'sweep-failed', { env, code: error.code, reason: error.message, automatic: true })
      return []
    }
  }
}
