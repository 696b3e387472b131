/** Page tokens of lists: a cursor that only this service can make and only the same query can use. Nothing is kept on the server. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import * as z from 'zod/mini'
import { ApiError } from '../src/wire/api-error.ts'

export interface Cursor {
  /** Last id of the page before. */
  readonly after: string
  readonly pageSize: number
  /** Revision at which the first page was answered. */
  readonly revision: number
}

/** What a token is bound to. */
export interface PageScope {
  readonly secret: string
  /** Text of the environment and the query. */
  readonly query: string
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** 128 bits: a forged token is refused. */
const TAG_BYTES = 16

const content = z.tuple([z.string(), z.int(), z.int()])

export const formatPageToken = ({ after, pageSize, revision }: Cursor, scope: PageScope): string => {
  const payload = encoder.encode(JSON.stringify([after, pageSize, revision]))
  return toBase64Url(concatenate(tag(payload, scope), payload))
}

/** The cursor in a token of the same scope; throws ApiError 400 for every other text. */
export const parsePageToken = (token: string, scope: PageScope): Cursor => {
  const bytes = fromBase64Url(token)
  if (bytes === null || bytes.length <= TAG_BYTES) throw refused()
  const payload = bytes.subarray(TAG_BYTES)
  if (!equal(bytes.subarray(0, TAG_BYTES), tag(payload, scope))) throw refused()
  const [after, pageSize, revision] = z.parse(content, JSON.parse(decoder.decode(payload)))
  return { after, pageSize, revision }
}

const refused = (): ApiError => new ApiError('bad-page-token', '`page_token` does not belong to this query: start again without it')

const tag = (payload: Uint8Array, { secret, query }: PageScope): Uint8Array =>
  hmac(sha256, sha256(encoder.encode(secret)), concatenate(sha256(encoder.encode(query)), payload)).subarray(0, TAG_BYTES)

const equal = (left: Uint8Array, right: Uint8Array): boolean => {
  let difference = left.length ^ right.length
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0)
  return difference === 0
}

const concatenate = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}

const toBase64Url = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

const fromBase64Url = (text: string): Uint8Array | null => {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (unit) => unit.charCodeAt(0))
    // The last character may hold bits that decoding drops: only the one canonical text is accepted.
    return toBase64Url(bytes) === text ? bytes : null
  } catch {
    return null
  }
}
