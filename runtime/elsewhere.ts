/** What this process cannot answer and another one may: reads that an edge sends to its origin. */
import { ApiError, type ApiErrorCode } from '../src/wire/api-error.ts'

/** Why: it is a write; the state here is behind the token of the read, or too old; the environment is not loaded here, or has no room here; the route is not part
 * of this process. */
export type Because = 'write' | 'token' | 'staleness' | 'not-loaded' | 'memory' | 'left-out'

/** Where there is no origin it is an error like others. */
export class Elsewhere extends ApiError {
  readonly because: Because
  constructor(because: Because, code: ApiErrorCode, message: string) {
    super(code, message)
    this.because = because
  }
}

/** Tells clients and people who answered. */
export const servedBy = (because: Because): Readonly<Record<string, string>> => ({ 'arctos-served-by': `origin; because=${because}` })
