/** The Worker as tests run it: the real one, and beside it a way to its bucket, its log lines and its clocks. */
import worker from '../../runtime/worker.ts'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import { type PutCondition, StoreError } from '../../snapshots/object-store.ts'
import { type R2Bucket, r2ObjectStore } from '../../snapshots/r2-store.ts'
import { takeClocks } from './isolate-clocks.ts'
import { WatchedBucket } from './watched-bucket.ts'

interface Bindings extends Readonly<Record<string, unknown>> {
  readonly OBJECTS: R2Bucket
}

interface Context {
  waitUntil(work: Promise<unknown>): void
}

const MAX_LINES = 10_000
const lines: string[] = []
const write = console.log.bind(console)
console.log = (line: unknown): void => {
  lines.push(String(line))
  lines.splice(0, lines.length - MAX_LINES)
  write(line)
}

const clocks = takeClocks()
const bucket = new WatchedBucket(clocks)
/** Of the Worker itself. */
const requests = { arrived: 0 }

export default {
  async fetch(request: Request, bindings: Bindings, context: Context): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const [, place, part] = pathname.split('/')
    if (place !== '__test') {
      requests.arrived++
      clocks.tick()
      return worker.fetch(request, given(bindings), context)
    }
    if (part === 'lines') return Response.json(lines)
    if (part === 'seen') return Response.json({ ...requests, reads: bucket.reads, waiting: bucket.waiting })
    if (part === 'control') return control(searchParams)
    if (part === 'served') return serve(request, bindings.OBJECTS)
    return part === 'objects' ? answerObjects(request, bindings.OBJECTS) : new Response('not found', { status: 404 })
  },
}

const control = (parameters: URLSearchParams): Response => {
  const mode = (['run', 'by-io', 'stand'] as const).find((each) => each === parameters.get('clocks'))
  if (mode !== undefined) clocks.set(mode)
  clocks.advance(Number(parameters.get('advance') ?? 0))
  if (parameters.has('hold')) bucket.held = parameters.get('hold')
  if (parameters.has('release')) bucket.held = null
  return new Response(null, { status: 204 })
}

/** What the Worker is given: the bucket only where a test wants it. */
const given = ({ TEST_WITHOUT_BUCKET, OBJECTS, ...bindings }: Bindings): Readonly<Record<string, unknown>> =>
  TEST_WITHOUT_BUCKET === 'true' ? bindings : { ...bindings, OBJECTS: bucket.over(OBJECTS) }

/** As any web server would. */
const serve = async (request: Request, objects: R2Bucket): Promise<Response> => {
  const key = decodeURIComponent(new URL(request.url).pathname.replace('/__test/served/', ''))
  const tag = request.headers.get('if-none-match')
  const object = await r2ObjectStore({ bucket: objects }).get(key, tag === null ? {} : { unless: tag.replaceAll('"', '') })
  if (object === null || object === 'unchanged') return new Response(null, { status: object === null ? 404 : 304 })
  const bytes = new Uint8Array(await objectBytes(key, object, 1 << 30))
  return new Response(bytes, { headers: { etag: `"${object.version}"` } })
}

const answerObjects = async (request: Request, objects: R2Bucket): Promise<Response> => {
  const store = r2ObjectStore({ bucket: objects })
  const parameters = new URL(request.url).searchParams
  const key = parameters.get('key') ?? ''
  try {
    if (request.method === 'PUT') {
      const version = await store.put(key, new Uint8Array(await request.arrayBuffer()), conditionOf(parameters))
      return Response.json({ version })
    }
    if (request.method === 'DELETE') return Response.json(await store.delete(key))
    if (parameters.get('list') !== null) return Response.json(await store.list(parameters.get('list') ?? ''))
    const object = await store.get(key, { ...(parameters.get('unless') !== null && { unless: parameters.get('unless') ?? '' }) })
    if (object === null || object === 'unchanged') return new Response(null, { status: object === null ? 404 : 304 })
    return new Response(await objectBytes(key, object, 1 << 30).then((bytes) => new Uint8Array(bytes)), {
      headers: { version: object.version },
    })
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return Response.json({ code: error.code, message: error.message }, { status: 409 })
  }
}

const conditionOf = (parameters: URLSearchParams): PutCondition | undefined => {
  const version = parameters.get('version')
  if (parameters.get('absent') === 'true') return { kind: 'absent' }
  return version === null ? undefined : { kind: 'version', version }
}
