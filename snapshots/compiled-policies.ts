/** Compiled policies, so that none is compiled twice in a row: what is active, and what is about to be. */
import type { CheckedPolicy } from '../src/check/core.ts'
import { compilePolicy } from '../src/engine/compile.ts'
import { type NeededIndex, neededIndexes } from '../src/engine/indexes.ts'
import { splitFiles } from '../src/polar/files.ts'

/** A policy text, compiled. */
export interface CompiledPolicy {
  readonly source: string
  /** Null when this version cannot compile it. */
  readonly policy: CheckedPolicy | null
  /** What its questions are searched by. */
  readonly indexes: readonly NeededIndex[]
}

/** The active one, the one before it, and the one that is expected. */
const MAX_KEPT = 3

export class CompiledPolicies {
  /** Used last at the end. */
  #kept: CompiledPolicy[] = []

  has(source: string): boolean {
    return this.#kept.some((compiled) => compiled.source === source)
  }

  /** Compiled elsewhere. */
  add(compiled: CompiledPolicy): void {
    this.#kept = [...this.#kept.filter(({ source }) => source !== compiled.source), compiled].slice(-MAX_KEPT)
  }

  /** Compiles what is not there. */
  of(source: string, filename: string | null): CompiledPolicy {
    const found = this.#kept.find((compiled) => compiled.source === source) ?? compile(source, filename)
    this.add(found)
    return found
  }
}

const compile = (source: string, filename: string | null): CompiledPolicy => {
  const { value } = compilePolicy(splitFiles(source, filename))
  return { source, policy: value, indexes: value === null ? [] : neededIndexes(value) }
}
