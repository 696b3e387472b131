/** Failures that SQLite reports, as tests expect them. */
import { expect } from 'vitest'
import { SqlError } from '../../src/store/database.ts'

export const caught = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('expected an error, none was thrown')
}

export const expectError = (code: number, work: () => unknown, message?: string): void => {
  const error = caught(work)
  expect(error).toBeInstanceOf(SqlError)
  expect((error as SqlError).code).toBe(code)
  if (message !== undefined) expect((error as SqlError).message).toBe(message)
}
