/** A bucket of R2 where there is one: on workerd. */
import { describe, expect, test } from 'vitest'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import { type StoreErrorCode } from '../../snapshots/object-store.ts'
import { prefixed } from '../../snapshots/prefixed-store.ts'
import { type R2Bucket, r2ObjectStore } from '../../snapshots/r2-store.ts'
import { objectStoreConformance, refusal } from '../snapshots/object-store-conformance.ts'

const bucketHere = async (): Promise<R2Bucket | null> => {
  try {
    // Only workerd has this module.
    const { env } = (await import(/* @vite-ignore */ 'cloudflare' + ':workers')) as { readonly env: { readonly OBJECTS: R2Bucket } }
    return env.OBJECTS
  } catch {
    return null
  }
}

const bucket = await bucketHere()

if (bucket !== null) {
  objectStoreConformance(
    'R2',
    async () => {
      // Storage is not emptied between tests.
      const store = prefixed(r2ObjectStore({ bucket }), crypto.randomUUID())
      return { store, writer: store }
    },
    { torn: 'a put is one call', checksum: 'nothing is between the Worker and its bucket' },
  )
}

describe('errors of a bucket', () => {
  const failing = (message: string, times = Number.POSITIVE_INFINITY): R2Bucket & { calls: number } => {
    const fail = async (): Promise<never> => {
      failed.calls++
      if (failed.calls > times) throw new Error('unexpected')
      throw new Error(message)
    }
    const failed = { calls: 0, get: fail, put: fail, list: fail, delete: fail }
    return failed
  }

  test.each<readonly [string, StoreErrorCode]>([
    ['get: We encountered an internal error. Please try again. (10001)', 'unavailable'],
    ['get: Network connection lost.', 'unavailable'],
    ['get: Unauthorized (10002)', 'denied'],
    ['get: The specified bucket does not exist. (10006)', 'missing'],
    ['put: Your proposed upload exceeds the maximum allowed object size. (100100)', 'too-large'],
  ])('%s is `%s`', async (message, code) => {
    const store = r2ObjectStore({ bucket: failing(message) })
    expect(await refusal(store.get('a'))).toBe(code)
    expect(await refusal(store.put('a', new Uint8Array(1)))).toBe(code)
    expect(await refusal(store.list('a'))).toBe(code)
    expect(await refusal(store.delete('a'))).toBe(code)
  })

  test('what may work again is asked again, but a put is not: it may have happened', async () => {
    const asked = failing('internal (10001)')
    await refusal(r2ObjectStore({ bucket: asked }).get('a'))
    expect(asked.calls).toBe(3)
    const put = failing('internal (10001)')
    await refusal(r2ObjectStore({ bucket: put }).put('a', new Uint8Array(1)))
    expect(put.calls).toBe(1)
  })

  test('a bucket that does not answer is not waited for', async () => {
    const never = (): Promise<never> => new Promise(() => {})
    const silent: R2Bucket = { get: never, put: never, list: never, delete: never }
    expect(await refusal(r2ObjectStore({ bucket: silent, timeoutMs: 10 }).get('a'))).toBe('unavailable')
  })

  test('a transfer that stops, or ends early, breaks off', async () => {
    const bodies = [
      new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('lost')) }),
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array(3))
          controller.close()
        },
      }),
      new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(3)) }),
    ]
    for (const body of bodies) {
      const object = { key: 'a', etag: 'tag', size: 10, uploaded: new Date(0), body }
      const store = r2ObjectStore({ bucket: { ...failing(''), get: async () => object }, timeoutMs: 50 })
      const found = await store.get('a')
      if (found === null || found === 'unchanged') throw new Error('it is there')
      expect(await refusal(objectBytes('a', found, 100))).toBe('unavailable')
    }
  })
})
