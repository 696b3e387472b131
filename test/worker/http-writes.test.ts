/** The HTTP checklist against the Worker on workerd: writes, which it passes to its origin, and refuses where it has none. */
import { describe } from 'vitest'
import { testLines } from '../runtime/support/read-place.ts'
import { writeLines } from '../runtime/support/write-lines.ts'
import { refusedBy } from '../runtime/support/write-place.ts'
import { workerPlace } from './read-place.ts'
import { originPlace } from './write-place.ts'

describe('passed on', () => {
  testLines(originPlace(), writeLines)
})

describe('refused here', () => {
  testLines(refusedBy(workerPlace()), writeLines)
})
