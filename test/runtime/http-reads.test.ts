/** The HTTP checklist: reads, as they are asked everywhere. */
import { readLines } from './support/read-lines.ts'
import { cellPlace, testLines } from './support/read-place.ts'

testLines(cellPlace, readLines)
