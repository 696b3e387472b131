/** What `npm run fuzz` does, from its options: one kind of random input, or all of them as much as a night is to hold. */

export interface FuzzOptions {
  readonly night?: boolean | undefined
  readonly minutes?: string | undefined
  readonly cases?: string | undefined
  readonly count?: string | undefined
  readonly parser?: string | undefined
  readonly http?: string | undefined
}

/** The bounds of a run of programs: whichever is reached first. */
export interface ProgramBounds {
  readonly programs: number
  readonly questions: number
  readonly minutes: number
}

export type Work =
  | ({ readonly kind: 'programs' } & ProgramBounds)
  | { readonly kind: 'parser'; readonly inputs: number }
  | { readonly kind: 'http'; readonly requests: number }

const unbounded: ProgramBounds = {
  programs: Number.MAX_SAFE_INTEGER,
  questions: Number.MAX_SAFE_INTEGER,
  minutes: Number.POSITIVE_INFINITY,
}

/** About two hours on two cores. */
export const night: readonly Work[] = [
  { kind: 'programs', ...unbounded, programs: 20_000 },
  { kind: 'parser', inputs: 1_000_000 },
  { kind: 'http', requests: 10_000 },
]

/** `number` reads the text of an option. */
export const workOf = (options: FuzzOptions, number: (text: string | undefined, otherwise: number) => number): readonly Work[] => {
  const { minutes, cases, count, parser, http } = options
  if (options.night === true) return night
  if (http !== undefined) return [{ kind: 'http', requests: number(http, 0) }]
  if (parser !== undefined) return [{ kind: 'parser', inputs: number(parser, 0) }]
  const isBounded = count !== undefined || cases !== undefined
  return [
    {
      kind: 'programs',
      programs: number(count, unbounded.programs),
      questions: number(cases, unbounded.questions),
      minutes: minutes === undefined && isBounded ? unbounded.minutes : number(minutes, 1),
    },
  ]
}
