/** Policy texts and places in them. */

/** One policy file. */
export interface SourceFile {
  readonly name: string
  readonly text: string
}

/** A half-open range of UTF-16 offsets of `files[file].text`. */
export interface Span {
  readonly file: number
  readonly start: number
  readonly end: number
}
