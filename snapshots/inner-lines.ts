/** Cuts the bytes of a stream into its lines. */
import { limits } from '../src/base/limits.ts'
import { InnerShapeError } from '../src/wire/inner.ts'

/** Escapes make a record's text at most this much longer than the record. */
const ESCAPED = 6

export class Lines {
  // A byte order mark is never dropped: it may be part of an id.
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #rest = ''

  /** The lines that end in this chunk. Throws InnerShapeError when a line is longer than any record. */
  take(chunk: Uint8Array): readonly string[] {
    const text = this.#decoder.decode(chunk, { stream: true })
    const lines = text.split('\n')
    lines[0] = this.#rest + (lines[0] ?? '')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > ESCAPED * limits.developmentRecordBytes) throw new InnerShapeError('a line without end')
    return lines
  }
}
