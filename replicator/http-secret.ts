/** The secret between a replicator and its runtimes, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** Tells whether an `Authorization` header carries the secret; everything does where there is none. */
export const secretCheck = (secret: string | null): ((header: string | undefined) => boolean) => {
  if (secret === null) return () => true
  const expected = digest(`Bearer ${secret}`)
  return (header) => timingSafeEqual(digest(header ?? ''), expected)
}

/** Of one length, whatever was sent. */
const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()
