/** The lines of a file of facts, one JSON object a line, each with its number and a bound. */

import { isUtf8 } from 'node:buffer'
import { messageOf } from '../../src/base/message.ts'
import type { Fact } from '../../src/base/value.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import { decode } from '../../src/wire/decode.ts'
import { factRequest } from '../../src/wire/requests.ts'

/** A line that holds no fact; what stands before it can be written. */
export class LineError extends Error {
  override readonly name = 'LineError'
  readonly line: number
  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

export interface FactLine {
  /** Counted from 1, empty lines included. */
  readonly line: number
  readonly fact: Fact
  /** Of the file, up to the end of this line. */
  readonly bytes: number
}

/** No fact that a server accepts is longer. */
const LINE_BYTES = 1024 * 1024

/** The facts from a line on. Throws LineError at the first line that is none; blank lines are passed over. */
export const factLines = async function* (chunks: AsyncIterable<Uint8Array>, fromLine: number): AsyncGenerator<FactLine> {
  let line = 0
  let bytes = 0
  for await (const content of splitLines(chunks)) {
    line += 1
    bytes += content.bytes
    if (line < fromLine) continue
    if (content.text === null) throw new LineError(line, `it is longer than ${LINE_BYTES} bytes`)
    if (!isUtf8(content.text)) throw new LineError(line, 'it is not UTF-8 text')
    const text = content.text.toString('utf8').replace(line === 1 ? /^\uFEFF/ : '', '')
    if (text.trim() !== '') yield { line, fact: parseFactLine(text, line), bytes }
  }
}

interface Line {
  /** Null: it is too long. */
  readonly text: Buffer | null
  /** Its newline included. */
  readonly bytes: number
}

const NEWLINE = 0x0a

const splitLines = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let parts: Uint8Array[] = []
  let sizeBytes = 0
  const take = (end: number): Line => {
    const line = { text: sizeBytes > LINE_BYTES ? null : Buffer.concat(parts), bytes: sizeBytes + end }
    parts = []
    sizeBytes = 0
    return line
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (sizeBytes <= LINE_BYTES) parts.push(chunk.subarray(start, end))
      sizeBytes += end - start
      yield take(1)
      start = end + 1
    }
    // What is over the bound is counted, never kept.
    if (sizeBytes <= LINE_BYTES) parts.push(chunk.subarray(start))
    sizeBytes += chunk.length - start
  }
  if (sizeBytes > 0) yield take(0)
}

/** `{"predicate": "has_role", "args": [{"type": "User", "id": "ana"}, …]}`. */
const parseFactLine = (text: string, line: number): Fact => {
  const { predicate, args } = decoded(text, line)
  return {
    predicate,
    args: args.map(({ type, id }, index) => {
      if (typeof type !== 'string' || typeof id !== 'string')
        throw new LineError(line, `argument ${index + 1} needs a \`type\` and an \`id\`: a fact has no wildcards`)
      return { type, id }
    }),
  }
}

const decoded = (text: string, line: number): ReturnType<typeof factRequest.parse> => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new LineError(line, `it is no JSON: ${messageOf(cause)}`)
  }
  try {
    return decode(factRequest, parsed)
  } catch (error) {
    if (error instanceof ApiError) throw new LineError(line, error.message)
    throw error
  }
}
