/** The HTTP checklist against a fallback: reads, and writes, each of which it refuses. */
import { describe } from 'vitest'
import { readLines } from './support/read-lines.ts'
import { fallbackPlace, testLines } from './support/read-place.ts'
import { writeLines } from './support/write-lines.ts'
import { refusedBy } from './support/write-place.ts'

const fallback = fallbackPlace()

testLines(fallback, readLines)

describe('refused here', () => {
  testLines(refusedBy(fallback), writeLines)
})
