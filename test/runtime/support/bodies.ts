/** Every body that the API answers with, in one type: tests look at what they asked for. */
import type { PolicyError, PolicyTestResult } from '../../../src/wire/responses.ts'

export interface FactBody {
  readonly predicate: string
  readonly args: readonly { readonly type: string | null; readonly id: string | null }[]
}

export interface Body extends PolicyTestResult {
  readonly message: string
  readonly allowed: boolean
  readonly results: readonly unknown[]
  readonly next_page_token: string | null
  readonly error_type: string
  readonly errors: readonly PolicyError[]
  readonly test_results: PolicyTestResult
  readonly policy: { readonly src: string; readonly filename: string | null; readonly versions: readonly string[] }
  readonly facts: { readonly total: number; readonly predicates: Readonly<Record<string, number>> }
  readonly metadata: { readonly resources: Readonly<Record<string, unknown>> }
  readonly token: string
}

/** The body of GET /facts. */
export const factsIn = (body: Body): readonly FactBody[] => body as unknown as readonly FactBody[]
