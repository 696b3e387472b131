/** The HTTP checklist: writes, as they are asked everywhere. */
import { cellPlace, testLines } from './support/read-place.ts'
import { writeLines } from './support/write-lines.ts'

testLines(cellPlace, writeLines)
