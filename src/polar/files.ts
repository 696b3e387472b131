/** Policy files as one text and as bytes (http-api.md 17). */
import { utf8Length } from '../base/text.ts'
import type { Diagnostic, Outcome } from './diagnostic.ts'
import type { SourceFile } from './source.ts'

/** The file name of a policy that was sent without one. */
export const defaultFile = 'policy.polar'

/**
 * The files of a policy that travelled as one text, joined with lines `# file: <name>`. Text before the first such line is a
 * file named `filename` (`policy.polar` when empty or null), left out when blank. The inverse of `joinFiles`.
 */
export const splitFiles = (source: string, filename: string | null): SourceFile[] => {
  const first = filename === null || filename === '' ? defaultFile : filename
  const files: SourceFile[] = []
  let name = first
  let start = 0
  for (const marker of source.matchAll(MARKER)) {
    // The newline before a marker belongs to the marker.
    const text = source.slice(start, Math.max(start, marker.index - 1))
    if (start > 0 || text.trim() !== '') files.push({ name, text })
    name = (marker[1] ?? '').trim()
    start = marker.index + marker[0].length
  }
  files.push({ name, text: source.slice(start) })
  return files
}

/** One text for several files; a name is cut to one line and never empty. */
export const joinFiles = (files: readonly SourceFile[]): string =>
  files.map((file) => `# file: ${file.name.replaceAll(/\s+/g, ' ').trim() || defaultFile}\n${file.text}`).join('\n')

/** A whole line; a leading byte-order mark may stand before the first. */
const MARKER = /(?<![^\n])\uFEFF?# file: (\S[^\n]*)(?:\n|$)/g

/** UTF-8 bytes → text without a leading byte-order mark. Invalid UTF-8 is an error whose span is in the text with U+FFFD in place of what is invalid. */
export const decodeSource = (bytes: Uint8Array): Outcome<string> => {
  try {
    return { value: new TextDecoder('utf-8', { fatal: true }).decode(bytes), diagnostics: [] }
  } catch {
    // The only reason of a fatal decoder to throw is invalid input; its error does not tell where.
    return { value: null, diagnostics: [invalidUtf8(bytes)] }
  }
}

const invalidUtf8 = (bytes: Uint8Array): Diagnostic => {
  const { offset, start } = findInvalid(bytes)
  const byte = `0x${(bytes[offset] ?? 0).toString(16).padStart(2, '0')}`
  return {
    code: 'invalid-utf-8',
    severity: 'error',
    message: `a policy is UTF-8 text, found the invalid byte \`${byte}\` at offset ${offset}`,
    span: { file: 0, start, end: start + 1 },
    labels: [],
    hint: 'save the file as UTF-8',
  }
}

/** Where the first U+FFFD stands that the bytes do not spell out: byte offset, and offset in the decoded text. */
const findInvalid = (bytes: Uint8Array): { offset: number; start: number } => {
  const isMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  let offset = isMark ? 3 : 0
  let start = 0
  for (const character of new TextDecoder('utf-8').decode(bytes)) {
    const written = bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd
    if (character === '\uFFFD' && !written) break
    offset += utf8Length(character)
    start += character.length
  }
  return { offset, start }
}
