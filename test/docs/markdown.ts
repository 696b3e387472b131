/** Reads the project's documents: code blocks, tables, links, and the paths and test titles that they name. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { known } from '../../src/base/assert.ts'

/** The root of the project, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Document {
  /** From the root. */
  readonly path: string
  readonly text: string
}

export const documentAt = (path: string): Document => ({ path, text: readFileSync(`${root}${path}`, 'utf8') })

const pathsIn = (folder: string): string[] =>
  readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? pathsIn(path) : path.endsWith('.md') ? [path] : []
  })

/** Every document of the project but those that belong to test data. */
export const documents: readonly Document[] = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...pathsIn('docs')].map(documentAt)

export interface CodeBlock {
  readonly language: string
  readonly code: string
}

export const codeBlocks = ({ text }: Document): CodeBlock[] =>
  [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({ language, code }))

/** Cells of every table whose header begins with these cells, row by row. */
export const tableRows = ({ path, text }: Document, ...header: readonly string[]): string[][] => {
  const rows: string[][] = []
  let inside = false
  for (const line of text.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim())
      : null
    if (cells === null) inside = false
    else if (header.every((cell, index) => cells[index] === cell)) inside = true
    else if (inside && !/^-+$/.test(cells[0] ?? '')) rows.push(cells)
  }
  if (rows.length === 0) throw new Error(`${path} has no table with the header ${header.join(', ')}`)
  return rows
}

/** What stands in back-ticks, in order. */
export const codes = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => known(code, 'code'))

/** Targets of links. */
export const links = ({ text }: Document): string[] => [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => known(target, 'target'))
