/** The portable object stores, where edges run. */
import { byteStream } from '../../snapshots/byte-stream.ts'
import { httpObjectStore } from '../../snapshots/http-store.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { objectStoreConformance } from '../snapshots/object-store-conformance.ts'

objectStoreConformance(
  'memory',
  async () => {
    const store = memoryObjectStore()
    return { store, writer: store }
  },
  { torn: 'an object is put in one step of this process', checksum: 'nothing is between the writer and the memory' },
)

const readOnly = 'a web server is only read'
objectStoreConformance(
  'web server',
  async () => {
    const objects = memoryObjectStore()
    const answer = async (url: string, headers: Readonly<Record<string, string>>): Promise<Response> => {
      const key = decodeURIComponent(new URL(url).pathname.replace('/objects/', ''))
      const object = await objects.get(key).catch(() => null)
      if (object === null || object === 'unchanged') return new Response('not found', { status: 404 })
      const etag = `"${object.version}"`
      if (headers['if-none-match'] === etag) return new Response(null, { status: 304 })
      return new Response(byteStream(object.chunks), { headers: { etag } })
    }
    const store = httpObjectStore({ url: 'http://edge.test/objects', fetch: (url, { headers }) => answer(url, headers) })
    return { store, writer: objects }
  },
  { conditions: readOnly, list: readOnly, torn: readOnly, checksum: readOnly, oneWinner: readOnly },
)
