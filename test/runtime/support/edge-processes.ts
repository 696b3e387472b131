/** A cell, an edge that it feeds, and fallbacks, as processes. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { developmentEnvironment, developmentKey } from '../../../src/wire/api-key.ts'
import { asked } from './harness.ts'
import { get, post, type ServerProcess, startServer } from './process.ts'

export const secret = 'a-secret-of-this-cell'
export const anaReads = asked('User:ana read Repo:r1')
const quick = { ARCTOS_DELTA_INTERVAL_MS: '50', ARCTOS_HEARTBEAT_MS: '50' }
export const refresh = { ARCTOS_REFRESH_MS: '50' }
export const fallbackToken = `e_${developmentEnvironment}_fb_fallbacktoken000001`
export const identity = { OSO_API_TOKEN: fallbackToken, OSO_ENVIRONMENT: developmentEnvironment, OSO_TENANT: 'acme' }

export const startCell = ({ directory, port = '0', settings = {} }: CellOptions = {}) =>
  startServer({
    ...(directory !== undefined && { directory }),
    settings: { ARCTOS_SECRET: secret, ...quick, OSO_PORT: port, ...settings },
  })

interface CellOptions {
  readonly directory?: string
  readonly port?: string
  readonly settings?: Readonly<Record<string, string>>
}

export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  await expect.poll(holds, { timeout: 40_000, interval: 50 }).toBe(true)
}

/** All that the cell acknowledged is in its objects. */
export const published = (cell: ServerProcess, env = developmentEnvironment, key = developmentKey): Promise<void> =>
  until(async () => {
    const revision = (await get(cell, '/api/stats', key)).headers.get('arctos-revision') ?? ''
    const path = `${cell.url}/v1/objects/${env}/manifest.json`
    const response = await fetch(path, { headers: { authorization: `Bearer ${secret}` } })
    if (response.status !== 200) return false
    const { coveredThrough } = (await response.json()) as { readonly coveredThrough: number }
    return coveredThrough >= Number(revision.split(':')[1])
  })

interface FallbackOptions {
  readonly directory?: string
  readonly args?: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
}

export const startFallback = (store: string, { settings = {}, ...options }: FallbackOptions = {}) =>
  startServer({
    command: 'fallback',
    ...options,
    settings: { ...identity, ...refresh, ARCTOS_STORE: store, ARCTOS_SECRET: secret, ...settings },
  })

export const storeOf = (cell: ServerProcess): string => `file:${join(cell.directory, 'objects')}`

export const isReady = async (server: ServerProcess): Promise<boolean> => (await fetch(`${server.url}/readyz`)).status === 200

export const canRead = async (server: ServerProcess, question = anaReads): Promise<boolean> =>
  (await post(server, '/api/authorize', question)).body.allowed === true
