/** The HTTP checklist against a fallback: reads. */
import { readLines } from './support/read-lines.ts'
import { fallbackPlace, testLines } from './support/read-place.ts'

testLines(fallbackPlace, readLines)
