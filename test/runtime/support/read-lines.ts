/** Every line of the HTTP checklist that reads are asked about. */
import { checkLines } from './read-checks.ts'
import { factLines } from './read-facts.ts'
import { limitLines } from './read-limits.ts'
import { pageLines } from './read-pages.ts'
import type { ReadLines } from './read-place.ts'
import { policyLines } from './read-policies.ts'
import { queryLines } from './read-queries.ts'
import { transportLines } from './read-transport.ts'

/** Beside those of checks, pages and queries. */
export const otherLines: ReadLines = { ...transportLines, ...factLines, ...policyLines, ...limitLines }
export const questionLines: ReadLines = { ...checkLines, ...pageLines, ...queryLines }
export const readLines: ReadLines = { ...otherLines, ...questionLines }
