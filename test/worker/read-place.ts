/** One Worker for many environments, whose cell is written to by tests of reads. */
import { expect } from 'vitest'
import { controlEnvironment } from '../../src/log/control.ts'
import { askAdmin, createEnvironment, createKey } from '../runtime/support/admin.ts'
import { Asker } from '../runtime/support/harness.ts'
import { endingWithTheFile, type ReadPlace, type ReadState, type ReadWorld, write } from '../runtime/support/read-place.ts'
import { startWorkerEdge, type TestWorkerOptions } from './support.ts'

type Edge = Awaited<ReturnType<typeof startWorkerEdge>>

/** Ends its Workers when the file does: one for each group of settings. */
export const workerPlace = (): ReadPlace => {
  const edges = edgesBySettings({})
  const worlds = new Map<ReadState, Promise<ReadWorld>>()
  return {
    kind: 'worker',
    base: '',
    // What is asked of one and the same state only reads it.
    world(state) {
      const world = worlds.get(state) ?? edges(state).then(({ edge, env }) => makeWorld(edge, env, state))
      worlds.set(state, world)
      return world
    },
  }
}

/** One Worker for each group of settings, which it may have in common with its cell, and always another environment. */
export const edgesBySettings = ({ origin = false }: Pick<TestWorkerOptions, 'origin'>) => {
  const atEnd = endingWithTheFile()
  const edges = new Map<string, Promise<Edge>>()
  let made = 0
  return async ({ settings = {} }: ReadState): Promise<{ readonly edge: Edge; readonly env: string }> => {
    const name = JSON.stringify(settings)
    const edge = edges.get(name) ?? startWorkerEdge({ settings, atEnd, origin, ...(origin && { cellSettings: settings }) })
    edges.set(name, edge)
    return { edge: await edge, env: `e${made++}` }
  }
}

export const makeWorld = async ({ cell: http, ask: { app }, replicator }: Edge, env: string, state: ReadState): Promise<ReadWorld> => {
  const keys = await keysOf(http, env)
  const [cell, ask] = [new Asker(http.app, keys.full), new Asker(app, keys.full)]
  const seen = async (): Promise<void> => {
    // And no other one of the many that the cell has.
    for (const id of [controlEnvironment, env, otherOf(env)]) await replicator.publish(id)
    const position = (await cell.get('/api/stats')).headers.get('arctos-revision')
    await expect
      .poll(async () => (await ask.get('/api/stats')).headers.get('arctos-revision'), { timeout: 40_000, interval: 20 })
      .toBe(position)
  }
  await write(cell, state)
  await seen()
  return {
    ask,
    keys,
    async change(change) {
      await change(cell)
      await seen()
    },
  }
}

/** The name of an empty environment beside another one. */
export const otherOf = (env: string): string => `${env}-other`

const keysOf = async (http: Edge['cell'], env: string): Promise<ReadWorld['keys']> => {
  const other = otherOf(env)
  const { body } = await askAdmin(http, 'GET /v1/admin/environments')
  const known = new Set(body.environments.map(({ id }) => id))
  for (const id of [env, other]) if (!known.has(id)) await createEnvironment(http, id)
  const [full, readOnly, foreign] = await Promise.all([createKey(http, env), createKey(http, env, 'read-only'), createKey(http, other)])
  return { full: full.key, readOnly: readOnly.key, other: foreign.key }
}
