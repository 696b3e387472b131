/** Random input of the parser, made from a seed: bytes, tokens, and damaged policies. */
import { unreachable } from '../../src/base/assert.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { type Random, randomOf, times } from '../random/prng.ts'
import { byteFaults, textFaults } from './parser-faults.ts'

export type Input = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'tokens' | 'damaged'; readonly text: string }

/** Pieces that policies, and mistakes in them, are made of. */
export const pieces: readonly string[] = [
  ...'( ) [ ] { } , ; : = != < <= > >= == := ?= . + - * / // % | || && ! @ # \\ ~ $'.split(' '),
  ...'if and or not in matches matches! true false actor resource global extends on declare test fixture'.split(' '),
  ...'setup assert assert_not iff roles permissions relations type new isa cut print forall debug mod rem'.split(' '),
  ...`@current_unix_time @flag x y _ T "a" " "b 'c' ' 1 -1 1.5 99999999999999999999 A{"1"} p(x) 😀`.split(' '),
  'actor A {',
  'resource B {',
  'test "t" {',
  'setup {',
  'roles = ["a"];',
  '"a" if "b";',
  'x in [',
  'not (',
  '\n',
  '\ud800',
  '\uFEFF',
  '\0',
]

const MAX_BYTES = 150
const MAX_TOKENS = 60
/** Of this many damaged policies one goes through checks and strata as well, which take far longer than the parser. */
const COMPILED = 16

/** The input of a seed; `policies` are what is damaged. */
export const randomInput = (seed: number, policies: readonly string[]): Input => {
  const random = randomOf(seed)
  const roll = random.below(3)
  if (roll === 0) return { kind: 'bytes', bytes: randomBytes(random) }
  if (roll === 1) return { kind: 'tokens', text: randomTokens(random) }
  return { kind: 'damaged', text: damaged(random, policies) }
}

/** What is wrong about how the input is taken; an exception is a fault like any other. */
export const inputFaults = (seed: number, policies: readonly string[]): string[] => {
  const input = randomInput(seed, policies)
  try {
    switch (input.kind) {
      case 'bytes':
        return byteFaults(input.bytes)
      case 'tokens':
        return textFaults(input.text)
      case 'damaged':
        return [...textFaults(input.text), ...(seed % COMPILED === 0 ? compileFaults(input.text) : [])]
      default:
        return unreachable(input)
    }
  } catch (error) {
    return [`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]
  }
}

const compileFaults = (text: string): string[] => {
  const { value, diagnostics } = compilePolicy([{ name: 'policy.polar', text }])
  const hasErrors = diagnostics.some(({ severity }) => severity === 'error')
  const outside = diagnostics.filter(({ span }) => span.start < 0 || span.start > span.end || span.end > text.length)
  return [
    ...((value === null) === hasErrors ? [] : ['refused without an error, or accepted with one']),
    ...outside.map(({ code }) => `\`${code}\` is outside the text`),
  ]
}

const randomBytes = (random: Random): Uint8Array => {
  const printable = random.chance(0.5)
  return Uint8Array.from(times(random.below(MAX_BYTES), () => (printable ? 32 + random.below(96) : random.below(256))))
}

const randomTokens = (random: Random): string =>
  times(random.below(MAX_TOKENS), () => `${random.pick(pieces)}${random.pick([' ', ' ', ' ', '', '\n'])}`).join('')

const damaged = (random: Random, policies: readonly string[]): string => {
  let text = random.pick(policies)
  // Part of a policy is parsed faster than all of it, and is broken at both ends.
  if (random.chance(0.5)) text = cut(random, text, 300)
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    const start = random.below(text.length + 1)
    const inserted = random.pick([
      () => '',
      () => random.pick(pieces),
      () => random.pick(pieces),
      () => cut(random, random.pick(policies), 40),
      () => String.fromCharCode(random.below(random.chance(0.8) ? 128 : 65_536)),
    ])()
    text = text.slice(0, start) + inserted + text.slice(start + random.below(12))
  }
  return text
}

const cut = (random: Random, text: string, most: number): string => {
  const start = random.below(text.length + 1)
  return text.slice(start, start + random.below(most))
}
