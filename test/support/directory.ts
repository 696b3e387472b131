/** Folders that end with their test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export const makeDirectory = (): string => mkdtempSync(join(tmpdir(), 'arctos-test-'))

export const removeDirectory = (directory: string): void => rmSync(directory, { recursive: true, force: true })

/** Removed when the test of this call ends. */
export const testDirectory = (): string => {
  const directory = makeDirectory()
  onTestFinished(() => removeDirectory(directory))
  return directory
}
