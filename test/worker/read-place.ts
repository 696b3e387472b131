/** One Worker for many environments, whose cell is written to by tests of reads. */
import { afterAll, expect } from 'vitest'
import { askAdmin, createEnvironment, createKey } from '../runtime/support/admin.ts'
import { Asker } from '../runtime/support/harness.ts'
import { type ReadPlace, type ReadState, type ReadWorld, write } from '../runtime/support/read-place.ts'
import { startWorkerEdge } from './support.ts'

type Edge = Awaited<ReturnType<typeof startWorkerEdge>>

/** Ends its Workers when the file does: one for each group of settings. */
export const workerPlace = (): ReadPlace => {
  const closing: (() => unknown)[] = []
  const edges = new Map<string, Promise<Edge>>()
  const worlds = new Map<ReadState, Promise<ReadWorld>>()
  let made = 0
  afterAll(async () => {
    for (const close of closing.toReversed()) await close()
  })
  const edgeFor = ({ settings = {} }: ReadState): Promise<Edge> => {
    const name = JSON.stringify(settings)
    const edge = edges.get(name) ?? startWorkerEdge({ settings, atEnd: (close) => closing.push(close) })
    edges.set(name, edge)
    return edge
  }
  return {
    kind: 'worker',
    base: '',
    // What is asked of one and the same state only reads it.
    world(state) {
      const world = worlds.get(state) ?? edgeFor(state).then((edge) => makeWorld(edge, `e${made++}`, state))
      worlds.set(state, world)
      return world
    },
  }
}

const makeWorld = async ({ cell: http, ask: { app }, publish }: Edge, env: string, state: ReadState): Promise<ReadWorld> => {
  const keys = await keysOf(http, env)
  const [cell, ask] = [new Asker(http.app, keys.full), new Asker(app, keys.full)]
  const seen = async (): Promise<void> => {
    await publish()
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

const keysOf = async (http: Edge['cell'], env: string): Promise<ReadWorld['keys']> => {
  const other = `${env}-other`
  const { body } = await askAdmin(http, 'GET /v1/admin/environments')
  const known = new Set(body.environments.map(({ id }) => id))
  for (const id of [env, other]) if (!known.has(id)) await createEnvironment(http, id)
  const [full, readOnly, foreign] = await Promise.all([createKey(http, env), createKey(http, env, 'read-only'), createKey(http, other)])
  return { full: full.key, readOnly: readOnly.key, other: foreign.key }
}
