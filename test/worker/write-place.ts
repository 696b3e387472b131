/** A Worker that passes writes to the cell behind it; what is written is published, and read from the Worker again. */
import { expect } from 'vitest'
import { type AskedApp, Asker } from '../runtime/support/harness.ts'
import { isWrite, type WritePlace } from '../runtime/support/write-place.ts'
import { edgesBySettings, makeWorld, otherOf } from './read-place.ts'

/** Ends its Workers when the file does: one for each group of settings. */
export const originPlace = (): WritePlace => {
  const edges = edgesBySettings({ origin: true })
  let passed = 0
  return {
    async world(state) {
      const { edge, env } = await edges(state)
      const { ask, keys } = await makeWorld(edge, env, state)
      const app = reading(ask.app, {
        async onWrite(path, key, response) {
          // What is too large ends at the Worker.
          if (response.status !== 413) expect([path, response.headers.get('arctos-served-by')]).toEqual([path, 'origin; because=write'])
          passed++
          if (response.ok) await edge.replicator.publish(key === `Bearer ${keys.other}` ? otherOf(env) : env)
        },
      })
      return { ask: new Asker(app, keys.full), keys }
    },
    end() {
      expect(passed).toBeGreaterThan(0)
      passed = 0
    },
  }
}

type OnWrite = (path: string, key: string | null, response: Response) => Promise<void>

/** Sends the position of the last write with every request, as clients do. */
const reading = (app: AskedApp, { onWrite }: { readonly onWrite: OnWrite }): AskedApp => {
  const tokens = new Map<string | null, string>()
  return {
    async request(path, init) {
      const headers = new Headers(init.headers)
      const key = headers.get('authorization')
      const token = tokens.get(key)
      if (token !== undefined && !headers.has('osooffset')) headers.set('osooffset', token)
      const response = await app.request(path, { ...init, headers })
      const offset = response.headers.get('osooffset')
      if (offset !== null) tokens.set(key, offset)
      if (isWrite(init.method, path)) await onWrite(path, key, response)
      // It was published, so that the Worker has it when it looks for it.
      else if (response.ok) expect([path, response.headers.get('arctos-served-by')]).toEqual([path, null])
      return response
    },
  }
}
