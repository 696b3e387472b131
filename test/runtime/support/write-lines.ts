/** Every line of the HTTP checklist that asks for a write. */
import { factWriteLines } from './write-facts.ts'
import { limitWriteLines } from './write-limits.ts'
import type { WriteLines } from './write-place.ts'
import { policyWriteLines } from './write-policies.ts'
import { transportWriteLines } from './write-transport.ts'

export const writeLines: WriteLines = { ...transportWriteLines, ...policyWriteLines, ...factWriteLines, ...limitWriteLines }
