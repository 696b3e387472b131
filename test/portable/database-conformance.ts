/** What every implementation of `Database` must do, as tests; `database.test.ts` runs them against the binding. */
import { describe } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import { guardedTests, imageTests, memoryTests, rememberedTests } from './database-bounds.ts'
import { dialectTests, statementTests } from './database-statements.ts'
import { valueTests } from './database-values.ts'

/** Opens an empty database whose memory is capped at `maxBytes`. */
export type OpenDatabase = (maxBytes: number) => Database

const DEFAULT_BYTES = 256 * 1024 * 1024

export const databaseConformance = (openWith: OpenDatabase): void => {
  const open = (): Database => openWith(DEFAULT_BYTES)
  describe('values', () => {
    valueTests(open)
  })
  describe('statements', () => {
    statementTests(open)
  })
  describe('SQL that policies are compiled to', () => {
    dialectTests(open)
  })
  describe('guarded', () => {
    guardedTests(open)
    rememberedTests(open)
  })
  describe('memory', () => {
    memoryTests(openWith)
  })
  describe('images', () => {
    imageTests(open)
  })
}
