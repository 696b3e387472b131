/** The HTTP checklist against the Worker on workerd: reads. */
import { readLines } from '../runtime/support/read-lines.ts'
import { testLines } from '../runtime/support/read-place.ts'
import { workerPlace } from './read-place.ts'

testLines(workerPlace(), readLines)
