/** Which texts are keys of objects: the same in every store, safe as a path in a folder and in a URL. */
import { limits } from '../src/base/limits.ts'
import { type StoreCall, storeFailure } from './store-failure.ts'

/** Throws StoreError `denied`: a key from a foreign manifest never leaves its folder. */
export const checkKey = (call: StoreCall): void => {
  const reason = faultOf(call.key)
  if (reason !== null) throw storeFailure('denied', call, `this is no key: ${reason}`)
}

/** The one order of keys: by UTF-16 units. */
export const byKey = (a: { readonly key: string }, b: { readonly key: string }): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

const faultOf = (key: string): string | null => {
  if (!key.isWellFormed() || /\p{Cc}/u.test(key)) return 'it has control characters or halves of characters'
  if (new TextEncoder().encode(key).length > limits.objectKeyBytes) return `it has more than ${limits.objectKeyBytes} bytes`
  if (key.split('/').some((part) => part === '' || part === '.' || part === '..')) return 'a part of it is empty, `.` or `..`'
  return null
}
