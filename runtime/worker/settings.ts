/** The settings of a Worker, from its variables and bindings; what is unknown, impossible or of no use there is told, and nothing is answered. */
import { httpObjectStore } from '../../snapshots/http-store.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { prefixed } from '../../snapshots/prefixed-store.ts'
import { type R2Bucket, r2ObjectStore } from '../../snapshots/r2-store.ts'
import { workerMemory } from '../../snapshots/worker-memory.ts'
import { configure } from '../../src/ops/configuration.ts'
import { parseStorePlace } from '../../src/ops/places.ts'
import { type Configuration, type SettingName, settings } from '../../src/ops/settings.ts'
import { endpoints } from '../../src/wire/endpoints.ts'

/** Variables are texts, secrets too; everything else is a binding. */
export type WorkerBindings = Readonly<Record<string, unknown>>

export type WorkerSettings =
  | { readonly kind: 'good'; readonly configuration: Configuration; readonly objects: () => ObjectStore }
  | { readonly kind: 'bad'; readonly problems: readonly string[] }

/** Those that a Worker has a use for; a variable of any other is a mistake of whoever set it. */
const used: ReadonlySet<string> = new Set<SettingName>([
  'mode',
  'store',
  'origin',
  'keys',
  'secret',
  'logLevel',
  'queryTimeoutMs',
  'tokenWaitMs',
  'maxStalenessMs',
  'readyStalenessMs',
  'refreshMs',
  'memoryMib',
  'getFacts',
  'concurrentRequests',
  'readsPerSecond',
  'factUpdatesPerMinute',
])

/** Longest wait of a look for one answer of the store, or for its next bytes. */
const STORE_TIMEOUT_MS = 5000
const BINDING = 'OBJECTS'

export const workerSettings = (bindings: WorkerBindings): WorkerSettings => {
  const texts = Object.fromEntries(Object.entries(bindings).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  // Whoever deploys a Worker has put it on the internet: the well-known key has to be asked for.
  const { configuration, sources, problems } = configure(
    { ARCTOS_MODE: 'production', ARCTOS_MEMORY_MIB: String(workerMemory.defaultMib), ...texts },
    {},
  )
  const useless = Object.entries(settings).flatMap(([name, { variable }]) =>
    sources[name] === 'default' || used.has(name) ? [] : [`\`${variable}\` has no meaning in a Worker, remove it`],
  )
  const source = sourceOf(configuration, bindings[BINDING])
  const memory = memoryFault(configuration.memoryMib)
  const all = [...problems, ...useless, ...(memory === null ? [] : [memory]), ...(typeof source === 'string' ? [source] : [])]
  return typeof source === 'string' || all.length > 0 ? { kind: 'bad', problems: all } : { kind: 'good', configuration, objects: source }
}

/** More than 128 MB are of use only where the platform gives more. */
const memoryFault = (mib: number): string | null => {
  const { minimumMib } = workerMemory
  return mib >= minimumMib ? null : `\`ARCTOS_MEMORY_MIB\` in a Worker must be at least ${minimumMib}`
}

/** Where objects come from, or what is wrong. */
const sourceOf = ({ store, origin, secret }: Configuration, binding: unknown): (() => ObjectStore) | string => {
  if (store === null && binding === undefined) {
    if (origin === null)
      return `there is nothing to follow: bind a bucket of R2 as \`${BINDING}\`, or set \`ARCTOS_ORIGIN\` or \`ARCTOS_STORE\``
    return () => webStore(`${origin.replace(/\/+$/, '')}${endpoints.objects.path.replace('/*', '')}`, secret)
  }
  const parsed = parseStorePlace(store ?? 'r2:')
  if ('expected' in parsed) return `\`ARCTOS_STORE\` must be ${parsed.expected}`
  const { place } = parsed
  if (place.kind === 'http') return () => webStore(place.url, secret)
  if (place.kind !== 'r2') return '`ARCTOS_STORE` in a Worker is `http(s)://…`, or `r2:<prefix>` for the bucket that is bound as `OBJECTS`'
  if (!isBucket(binding)) return `\`${BINDING}\` is not bound to a bucket of R2`
  return () => prefixed(r2ObjectStore({ bucket: binding, name: 'R2', timeoutMs: STORE_TIMEOUT_MS }), place.prefix)
}

const webStore = (url: string, secret: string | null): ObjectStore =>
  httpObjectStore({ url, secret, timeoutMs: STORE_TIMEOUT_MS, oneBuffer: true })

/** The one place where a binding is taken for what its configuration says. */
const isBucket = (binding: unknown): binding is R2Bucket =>
  typeof binding === 'object' &&
  binding !== null &&
  ['get', 'put', 'list', 'delete'].every((name) => typeof Reflect.get(binding, name) === 'function')
