/** What is said to the thread that packs and proves images, and what it answers: one job at a time. */
import type { PackedImage, ProvenImage } from '../image-press.ts'
import type { LoadErrorCode } from '../load-error.ts'
import type { ExpectedImage } from '../load-snapshot.ts'
import type { ObjectFailure } from '../object-error.ts'
import type { WasmModules } from '../pool.ts'
import type { Hurry } from './rests.ts'

/** What the thread is given when it starts. */
export interface PressData extends WasmModules {
  readonly hurry: Hurry
}

/** `bytes` are handed over, not copied. */
export type ToPress =
  /** Is it there? */
  | { readonly kind: 'begin'; readonly bytes: Uint8Array }
  /** It ends, and answers nothing. */
  | { readonly kind: 'end'; readonly bytes: Uint8Array }
  | { readonly kind: 'pack'; readonly bytes: Uint8Array }
  /** `folder`: where the object is, whose bytes are given otherwise. */
  | {
      readonly kind: 'prove'
      readonly bytes: Uint8Array
      readonly folder: string | null
      readonly image: ExpectedImage
      readonly recomputedFacts: number
    }

export type FromPress =
  | { readonly kind: 'begun' }
  | ({ readonly kind: 'packed' } & PackedImage)
  | ({ readonly kind: 'proven' } & ProvenImage)
  /** A LoadError. */
  | { readonly kind: 'refused'; readonly failure: Omit<ObjectFailure<LoadErrorCode>, 'cause'> }
  /** A bug of ours. */
  | { readonly kind: 'failed'; readonly reason: string }
