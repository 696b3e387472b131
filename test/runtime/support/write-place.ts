/** Where writes are asked: a cell takes them, what follows one passes them on, or refuses them. Lines of the HTTP checklist about writes run against each of them. */
import { expect } from 'vitest'
import { endpoints } from '../../../src/wire/endpoints.ts'
import { type AskedApp, Asker } from './harness.ts'
import { cellPlace, type ReadPlace, type ReadState, type ReadWorld } from './read-place.ts'
import { mainState } from './read-states.ts'

export interface WritePlace {
  world(state: ReadState): Promise<Pick<ReadWorld, 'ask' | 'keys'>>
  /** What must hold when a line is through. */
  readonly end?: () => void
}

/** By the title of its test. */
export type WriteLines = Readonly<Record<string, (place: WritePlace) => Promise<void>>>

const writes: ReadonlySet<string> = new Set(
  Object.values(endpoints)
    .filter(({ access }) => access === 'write')
    .map(({ method, path }) => `${method} ${path}`),
)

export const isWrite = (method: string | undefined, path: string): boolean => writes.has(`${method} ${path.replace(/\?.*$/s, '')}`)

/** A cell answers; but before it gets a write, `place` does, which must refuse it and stay as it is. */
export const refusedBy = (place: ReadPlace): WritePlace => {
  let refused = 0
  return {
    async world(state) {
      const cell = await cellPlace.world(state)
      const follower = await place.world(mainState)
      const app: AskedApp = {
        async request(path, init) {
          if (isWrite(init.method, path)) {
            await refuse(place.kind, follower, path, sentTo(follower, cell, init))
            refused++
          }
          return cell.ask.app.request(path, init)
        },
      }
      return { ask: new Asker(app, cell.keys.full), keys: cell.keys }
    },
    end() {
      expect(refused).toBeGreaterThan(0)
      refused = 0
    },
  }
}

interface Sent {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly content: string | Uint8Array | undefined
  readonly hasKey: boolean
}

/** The same request with a key of the follower. */
const sentTo = ({ keys: there }: ReadWorld, { keys: here }: ReadWorld, { method = '', headers: given, body }: RequestInit): Sent => {
  const headers = new Headers(given)
  const key = new Map([
    [`Bearer ${here.full}`, there.full],
    [`Bearer ${here.readOnly}`, there.readOnly],
    [`Bearer ${here.other}`, there.full],
  ]).get(headers.get('authorization') ?? '')
  if (key !== undefined) headers.set('authorization', `Bearer ${key}`)
  const content = typeof body === 'string' || body instanceof Uint8Array ? body : undefined
  return { method, headers: Object.fromEntries(headers), content, hasKey: key !== undefined }
}

const refuse = async (kind: ReadPlace['kind'], { ask }: ReadWorld, path: string, { method, headers, content, hasKey }: Sent) => {
  const state = async () => {
    const { status, text, headers: answered } = await ask.get('/api/stats')
    return { status, text, revision: answered.get('arctos-revision') }
  }
  const before = await state()
  expect(before.status).toBe(200)
  const {
    status,
    body,
    headers: answered,
  } = await ask.ask(method, path, undefined, {
    key: null,
    headers,
    ...(content !== undefined && { raw: content }),
  })
  const isPolicy = path.startsWith(endpoints.savePolicy.path)
  expect({ status, keys: Object.keys(body).toSorted(), type: body.error_type, offset: answered.get('osooffset') }).toEqual({
    status: hasKey ? 403 : 401,
    keys: isPolicy ? ['error_type', 'message'] : ['message'],
    type: isPolicy ? 'Generic' : undefined,
    offset: null,
  })
  const who = kind === 'fallback' ? 'this is a fallback node, it' : 'this edge has no origin, it'
  if (hasKey) expect(body.message).toBe(`${who} cannot change the policy or facts`)
  expect(await state()).toEqual(before)
}
