/** Makes the next state of a replica ready beside the present one, in turns so short that requests are answered between them. */
import { limits } from '../src/base/limits.ts'
import { apply } from '../src/log/apply.ts'
import type { Store } from '../src/store/facts.ts'
import type { ActivePolicy } from './active-policy.ts'
import type { CompiledPolicies, CompiledPolicy } from './compiled-policies.ts'
import type { SnapshotPlatform } from './platform.ts'
import type { Recording } from './recording.ts'
import { RestoreNeeded, SwapError } from './replica-error.ts'

/** A loaded state, and the position up to which nothing is missing in it. */
export interface Received {
  readonly store: Store
  readonly through: number
}

export interface Successor {
  readonly next: ActivePolicy
  readonly through: number
  readonly present: ActivePolicy
  /** Why the present one takes no more records. */
  readonly failure: Error | null
  readonly force: boolean
}

export interface Preparation {
  readonly id: string
  readonly platform: Pick<SnapshotPlatform, 'pause'>
  readonly policies: CompiledPolicies
  readonly compile?: (source: string, filename: string | null) => Promise<CompiledPolicy | null>
  /** Whether the present one answers. */
  readonly started: boolean
  readonly isOpen: () => boolean
}

/** Calls `assign` in the turn in which the next state holds whatever the present one does. Rejects with SwapError, ApplyError or SqlError. */
export const prepareNext = async (
  successor: Successor,
  recording: Recording,
  preparation: Preparation,
  assign: () => void,
): Promise<void> => {
  const { next, present, force } = successor
  const { started, platform, isOpen, id } = preparation
  const goOn = async (): Promise<void> => {
    await platform.pause()
    if (!isOpen()) throw new SwapError('closed', `replica \`${id}\` was closed`)
  }
  if (!isOpen()) throw new SwapError('closed', `replica \`${id}\` was closed`)
  if (!force) checkOrder(successor, recording, id)
  if (started) await activate(next, preparation, goOn)
  const shapes = started ? present.engine.hotShapes(limits.swapShapes) : []
  for (;;) {
    const records = force ? [] : recording.next()
    const shape = records.length === 0 ? shapes.shift() : undefined
    if (records.length > 0) applyTo(next, records)
    else if (shape !== undefined) next.engine.prepare(shape)
    else if (next.store.warm(limits.warmValues)) break
    await goOn()
  }
  checkReached(successor, id)
  assign()
}

const activate = async (next: ActivePolicy, { policies, compile }: Preparation, goOn: () => Promise<void>): Promise<void> => {
  const stored = next.store.activePolicy()
  if (stored !== null && compile !== undefined && !policies.has(stored.source)) {
    const compiled = await compile(stored.source, stored.filename)
    if (compiled !== null) policies.add(compiled)
  }
  next.start('later')
  await goOn()
  while (next.buildSmallIndex()) await goOn()
}

const applyTo = (next: ActivePolicy, records: Parameters<typeof apply>[1]): void => {
  const { policyChanged, restore } = apply(next.store, records)
  // The present one stops in front of the same record.
  if (restore !== null) throw new RestoreNeeded(restore)
  if (policyChanged) next.change()
}

/** Refuses what would go back, or leave a gap between the image and what was recorded. */
const checkOrder = ({ next, through, present, failure }: Successor, recording: Recording, id: string): void => {
  const [found, expected] = [next.store.logId(), present.store.logId()]
  if (expected !== null && found !== expected) {
    throw new SwapError('foreign', `an image for \`${id}\` belongs to log \`${found ?? 'none'}\`, this replica follows log \`${expected}\``)
  }
  const needed = failure instanceof RestoreNeeded ? failure.record.revision : recording.from
  if (Math.max(through, next.store.revision()) < needed) {
    throw new SwapError('behind', `an image for \`${id}\` ends at ${through}, what it replaces is at ${needed}`)
  }
}

const checkReached = ({ next, present, force, through }: Successor, id: string): void => {
  const [ahead, now] = [Math.max(through, next.store.revision()), present.store.revision()]
  if (!force && ahead < now) throw new SwapError('behind', `an image for \`${id}\` ends at ${ahead}, what it replaces is at ${now}`)
}
