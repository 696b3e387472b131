/** Starts the Worker on workerd, on a free port, with settings and with a bucket of R2 that tests write to. */
import { fileURLToPath } from 'node:url'
import {
  type ListedObject,
  type ObjectStore,
  type PutCondition,
  type StoredObject,
  StoreError,
  type StoreErrorCode,
} from '../../snapshots/object-store.ts'
import type { ClockMode } from './isolate-clocks.ts'
import type { ReadsOfKey } from './watched-bucket.ts'

export interface WorkerOptions {
  /** Variables of the Worker: `ARCTOS_ORIGIN` and so on; an empty one is left out. Mode is development unless they say otherwise. */
  readonly settings?: Readonly<Record<string, string>>
  /** False: no bucket is bound, so that it follows the origin. */
  readonly bucket?: boolean
  /** The entry; by default the Worker with what tests need beside it. */
  readonly entry?: string
  /** 0, the default: a free one. */
  readonly port?: number
}

export interface Seen {
  /** Requests of the Worker itself. */
  readonly arrived: number
  /** Of its bucket, by key. */
  readonly reads: Readonly<Record<string, Readonly<ReadsOfKey>>>
  /** Reads that are held back now. */
  readonly waiting: number
}

export interface WorkerProcess {
  /** Without a slash at its end. */
  readonly url: string
  /** The bucket of R2 that the Worker follows, to be written by a replicator or by hand. */
  readonly bucket: ObjectStore
  /** The log lines that its isolate has written. */
  lines(): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** What it was asked for and has read since it started. */
  seen(): Promise<Seen>
  /** How the clocks of the isolate go on. */
  setClocks(mode: ClockMode): Promise<void>
  /** Of clocks that stand. */
  advanceClocks(ms: number): Promise<void>
  /** Holds back all reads of keys that begin so; null lets them go on. */
  holdReads(prefix: string | null): Promise<void>
  end(): Promise<void>
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Resolves when it listens. The caller ends it. */
export const startWorker = async (options: WorkerOptions = {}): Promise<WorkerProcess> => {
  const { settings = {}, bucket = true, entry = path('./edge-worker.ts'), port = 0 } = options
  // It asks nobody whether there is something newer, and tells nobody that it runs.
  Object.assign(process.env, { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', CI: '1' })
  const { unstable_startWorker: start } = await import('wrangler')
  const texts = { ARCTOS_MODE: 'development', ...(bucket ? {} : { TEST_WITHOUT_BUCKET: 'true' }), ...settings }
  const given = Object.entries(texts).filter(([, value]) => value !== '')
  const worker = await start({
    name: 'arctos',
    entrypoint: entry,
    config: path('./wrangler.toml'),
    compatibilityDate: '2026-10-20',
    // SQLite as it is deployed; not in `wrangler.toml`, whose aliases are looked up from where the tests were started.
    build: { alias: { '@sqlite.org/sqlite-wasm/sqlite3.wasm': path('./deployed-sqlite.ts') } },
    bindings: Object.fromEntries(given.map(([name, value]) => [name, { type: 'plain_text' as const, value }])),
    dev: { server: { hostname: '127.0.0.1', port }, inspector: false, logLevel: 'error', watch: false, persist: false },
  })
  await worker.ready
  const url = String(await worker.url).replace(/\/+$/, '')
  const control = async (parameters: Readonly<Record<string, string>>): Promise<void> => {
    const { status } = await fetch(`${url}/__test/control?${new URLSearchParams(parameters).toString()}`)
    if (status !== 204) throw new Error(`the Worker answered ${status}`)
  }
  return {
    url,
    bucket: bucketOver(url),
    lines: async () => {
      const lines = (await (await fetch(`${url}/__test/lines`)).json()) as readonly string[]
      return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    },
    seen: async () => (await (await fetch(`${url}/__test/seen`)).json()) as Seen,
    setClocks: (mode) => control({ clocks: mode }),
    advanceClocks: (ms) => control({ advance: String(ms) }),
    holdReads: (prefix) => control(prefix === null ? { release: '' } : { hold: prefix }),
    end: () => worker.dispose(),
  }
}

/** The bucket by way of the Worker's entry for tests. */
const bucketOver = (url: string): ObjectStore => {
  const ask = async (parameters: Readonly<Record<string, string>>, init?: RequestInit): Promise<Response> => {
    const response = await fetch(`${url}/__test/objects?${new URLSearchParams(parameters).toString()}`, init)
    if (response.status !== 409) return response
    const { code, message } = (await response.json()) as { readonly code: StoreErrorCode; readonly message: string }
    throw new StoreError(code, message)
  }
  return {
    name: 'R2 of a Worker',
    async get(key, { unless } = {}): Promise<StoredObject | 'unchanged' | null> {
      const response = await ask({ key, ...(unless !== undefined && { unless }) })
      if (response.status !== 200) return response.status === 304 ? 'unchanged' : null
      const bytes = new Uint8Array(await response.arrayBuffer())
      const chunks = (async function* () {
        yield bytes
      })()
      return { version: response.headers.get('version') ?? '', sizeBytes: bytes.length, chunks }
    },
    async put(key, bytes, condition): Promise<string> {
      const response = await ask({ key, ...conditionOf(condition) }, { method: 'PUT', body: new Uint8Array(bytes) })
      return ((await response.json()) as { readonly version: string }).version
    },
    list: async (prefix) => (await (await ask({ list: prefix })).json()) as readonly ListedObject[],
    delete: async (key) => void (await ask({ key }, { method: 'DELETE' })),
  }
}

const conditionOf = (condition: PutCondition | undefined): Readonly<Record<string, string>> => {
  if (condition === undefined) return {}
  return condition.kind === 'absent' ? { absent: 'true' } : { version: condition.version }
}
