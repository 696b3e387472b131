/** `npm run mutate -- [--only name,name] [--list]`: breaks a copy of the program in every documented way; the tests must notice each. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { mutated } from './mutate/mutation.ts'
import { mutations } from './mutate/mutations.ts'
import { type Outcome, Workshop } from './mutate/workshop.ts'

const { values } = parseArgs({ options: { only: { type: 'string' }, list: { type: 'boolean' } } })
const only = values.only?.split(',')
const unknown = only?.filter((name) => !mutations.some((mutation) => mutation.name === name)) ?? []
const chosen = mutations.filter(({ name }) => only?.includes(name) ?? true)

const lineOf = (name: string, breaks: string, outcome: Outcome): string => {
  const found = outcome.kind === 'caught' ? `by ${outcome.by}` : outcome.kind === 'broken' ? outcome.why : 'by nothing'
  return `${outcome.kind.padEnd(8)} | ${name} | ${breaks} | ${found}`
}

/** Runs the tests on the whole program first: what fails anyway catches nothing. */
const run = async (workshop: Workshop): Promise<number> => {
  const whole = await workshop.test([...new Set(chosen.flatMap(({ tests }) => tests))])
  if (whole.kind !== 'survived') {
    console.log(`without any mutation: ${JSON.stringify(whole)}`)
    return 1
  }
  let missed = 0
  for (const mutation of chosen) {
    const outcome = await workshop.try(mutation)
    if (outcome.kind !== 'caught') missed++
    console.log(lineOf(mutation.name, mutation.breaks, outcome))
  }
  console.log(`${chosen.length - missed} of ${chosen.length} caught`)
  return missed === 0 ? 0 : 1
}

if (unknown.length > 0) {
  console.error(`no mutation is named \`${unknown.join('`, `')}\`: --list shows all names`)
  process.exitCode = 2
} else if (values.list) for (const { name, breaks, file } of chosen) console.log(`${name} | ${breaks} | ${file}`)
else {
  // All of them apply, or none is tried.
  for (const mutation of chosen) mutated(mutation, readFileSync(new URL(`../${mutation.file}`, import.meta.url), 'utf8'))
  const workshop = new Workshop()
  try {
    process.exitCode = await run(workshop)
  } finally {
    workshop.close()
  }
}
