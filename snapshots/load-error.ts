/** Why nothing could be loaded from an object store: what was tried, what came in the way, what to do, and whether that happens by itself. */
import type { WriteLogLine } from '../src/ops/log-line.ts'
import { ObjectError, type ObjectFailure, type Remedy } from './object-error.ts'

/** `format`: a newer version wrote it; `damaged`: cut off, too long, changed, or contradicting itself; `foreign`: of another log or environment; `backwards`: older
 * than what was seen before; `missing`: not there; `not-retained`: nothing leads to that
 * revision any more; `unavailable`: the store does not answer; `memory`: no room for it. */
export type LoadErrorCode = 'format' | 'damaged' | 'foreign' | 'backwards' | 'missing' | 'not-retained' | 'unavailable' | 'memory'

export class LoadError extends ObjectError<LoadErrorCode> {
  override readonly name = 'LoadError'

  constructor(failure: ObjectFailure<LoadErrorCode>) {
    super(failure, remedies[failure.code])
  }
}

/** What was tried with which object, and what came in the way. */
export const loadFailure = (
  { operation, key, revision }: Pick<ObjectFailure<LoadErrorCode>, 'operation' | 'key' | 'revision'>,
  code: LoadErrorCode,
  reason: string,
  cause?: unknown,
): LoadError => new LoadError({ operation, key, revision, code, reason, cause })

/** The line of something that is done without. */
export const logRefusal = (log: WriteLogLine, env: string, error: LoadError): void => {
  const { code, operation, key, revision, reason, hint, automatic } = error
  log('error', 'load-refused', { env, code, operation, key, revision, reason, hint, automatic })
}

const remedies: Readonly<Record<LoadErrorCode, Remedy>> = {
  format: { hint: 'run the version that wrote it or a newer one', automatic: false },
  damaged: { hint: 'an older snapshot is used, the next published one takes its place', automatic: true },
  foreign: { hint: 'give this process the objects of its own log and environment', automatic: false },
  backwards: { hint: 'what is loaded stays, until the publisher has gone on', automatic: true },
  missing: { hint: 'an older snapshot is used, the next published one takes its place', automatic: true },
  'not-retained': { hint: 'ask for one that the manifest leads to', automatic: false },
  unavailable: { hint: 'it is tried again; look at the object store when it lasts', automatic: true },
  memory: { hint: 'give this process more memory', automatic: false },
}
