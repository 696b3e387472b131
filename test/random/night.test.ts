/** What `npm run fuzz` is told to do: as much as it says, and everything at night. */
import { expect, test } from 'vitest'
import { night, workOf } from '../../scripts/fuzz/work.ts'
import { numberOption } from '../../scripts/number-option.ts'

// As the command reads them: it ends the process where one is no number.
const number = numberOption('usage')

test('a night holds 20,000 programs, a million inputs of the parser and 10,000 requests', () => {
  const work = workOf({ night: true }, number)
  expect(work).toEqual(night)
  expect(
    work.map((each) => [each.kind, each.kind === 'programs' ? each.programs : each.kind === 'parser' ? each.inputs : each.requests]),
  ).toEqual([
    ['programs', 20_000],
    ['parser', 1_000_000],
    ['http', 10_000],
  ])
  // Nothing else ends it before.
  expect(work[0]).toMatchObject({ minutes: Number.POSITIVE_INFINITY, questions: Number.MAX_SAFE_INTEGER })
})

test('otherwise one kind, for as long as it was asked for, and a minute where nothing was', () => {
  const unbounded = { programs: Number.MAX_SAFE_INTEGER, questions: Number.MAX_SAFE_INTEGER, minutes: Number.POSITIVE_INFINITY }
  expect(workOf({}, number)).toEqual([{ kind: 'programs', ...unbounded, minutes: 1 }])
  expect(workOf({ cases: '300' }, number)).toEqual([{ kind: 'programs', ...unbounded, questions: 300 }])
  expect(workOf({ count: '3', minutes: '2' }, number)).toEqual([{ kind: 'programs', ...unbounded, programs: 3, minutes: 2 }])
  expect(workOf({ parser: '7' }, number)).toEqual([{ kind: 'parser', inputs: 7 }])
  expect(workOf({ http: '9' }, number)).toEqual([{ kind: 'http', requests: 9 }])
})
