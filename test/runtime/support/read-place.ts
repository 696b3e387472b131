/** What answers reads: a cell, or what follows one. Lines of the HTTP checklist about reads run against each of them. */
import { afterAll, test } from 'vitest'
import { developmentEnvironment, developmentKey } from '../../../src/wire/api-key.ts'
import { startCell, startEdge } from './edge.ts'
import { type Asker, createHarness, readOnlyKey, secondKey } from './harness.ts'

/** An environment whose state is the same wherever it is asked. */
export interface ReadState {
  /** Saved one after the other. */
  readonly policies?: readonly string[]
  readonly facts?: readonly string[]
  /** Of the one who answers. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface ReadWorld {
  readonly ask: Asker
  /** Keys of the environment, and one of another that is empty. */
  readonly keys: { readonly full: string; readonly readOnly: string; readonly other: string }
  /** Returns when `ask` sees what was written to the cell. */
  readonly change: (write: (cell: Asker) => Promise<unknown>) => Promise<void>
}

export interface ReadPlace {
  readonly kind: 'cell' | 'fallback' | 'worker'
  /** What must hold when a line is through. */
  readonly end?: () => void
  /** Before a path that a URL would otherwise be made of. */
  readonly base: string
  world(state: ReadState): Promise<ReadWorld>
}

/** By the title of its test. */
export type ReadLines = Readonly<Record<string, (place: ReadPlace) => Promise<void>>>

export const testLines = <Place extends { readonly end?: () => void }>(
  place: Place,
  lines: Readonly<Record<string, (place: Place) => Promise<void>>>,
): void => {
  test.each(Object.entries(lines))('%s', async (_, check) => {
    await check(place)
    place.end?.()
  })
}

/** Brings an environment into its state. */
export const write = async (cell: Asker, { policies = [], facts = [] }: ReadState): Promise<void> => {
  for (const policy of policies) await cell.policy(policy)
  if (facts.length > 0) await cell.facts(...facts)
}

const keys = { full: developmentKey, readOnly: readOnlyKey, other: secondKey }

export const cellPlace: ReadPlace = {
  kind: 'cell',
  base: 'http://localhost',
  async world(state) {
    const cell = await createHarness({ ...(state.settings !== undefined && { settings: state.settings }) })
    await write(cell, state)
    return { ask: cell, keys, change: async (change) => void (await change(cell)) }
  },
}

/** What is asked of one and the same state of a fallback only reads it: so it is brought about once. Ends with the file. */
export const fallbackPlace = (): ReadPlace => {
  const atEnd = endingWithTheFile()
  const worlds = new Map<ReadState, Promise<ReadWorld>>()
  return {
    kind: 'fallback',
    base: 'http://localhost',
    world(state) {
      const world = worlds.get(state) ?? followed(state, atEnd)
      worlds.set(state, world)
      return world
    },
  }
}

/** Takes what ends with the file, last things first. */
export const endingWithTheFile = (): ((close: () => unknown) => void) => {
  const closing: (() => unknown)[] = []
  afterAll(async () => {
    for (const close of closing.toReversed()) await close()
  })
  return (close) => void closing.push(close)
}

const followed = async (state: ReadState, atEnd: (close: () => unknown) => void): Promise<ReadWorld> => {
  const { cell, objects, publish } = await startCell({ atEnd })
  await write(cell, state)
  await publish()
  const { settings = {} } = state
  const { edge: ask, environments } = await startEdge({
    objects,
    kind: 'fallback',
    settings,
    atEnd,
    // Its other clock stands still, and budgets of queries would never end.
    platform: { queryMs: () => performance.now() },
  })
  await environments.load(developmentEnvironment)
  const change: ReadWorld['change'] = async (make) => {
    await make(cell)
    await publish()
    await environments.refresh()
  }
  return { ask, keys, change }
}
