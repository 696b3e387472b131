/** Prints, as JSON, the steps that the parser takes: for texts of two sizes of each growing family, and at most per character of random input. */
import { parsePolicy } from '../../../src/polar/parse.ts'
import { growingTexts } from '../growing-texts.ts'
import { randomInput } from '../random-input.ts'
import { samples } from '../samples.ts'
import { StepCounter } from '../step-counter.ts'

const SMALL = 500
const LARGE = 4000
const INPUTS = 300
/** What any text costs, however short. */
const START = 50

const counter = new StepCounter('/src/polar/')
const parse = (text: string): void => void parsePolicy([{ name: 'policy.polar', text }])
/** Parses every tenth beginning of the text: what growth must not look like. */
const parseBeginnings = (text: string): void => {
  for (let end = 0; end < text.length; end += 10) parse(text.slice(0, end))
}

const measured = (name: string, make: (size: number) => string, work: (text: string) => void): unknown => {
  const [small, large] = [make(SMALL), make(LARGE)]
  // Once before, so that what is done only once is not counted.
  work(small)
  return {
    name,
    small: { length: small.length, steps: counter.count(() => work(small)) },
    large: { length: large.length, steps: counter.count(() => work(large)) },
  }
}

const families = Object.entries(growingTexts).map(([name, make]) => measured(name, make, parse))
const planted = measured('planted', (size) => 'p(x);'.repeat(size / 10), parseBeginnings)

let worst = { seed: -1, stepsPerCharacter: 0 }
for (let seed = 0; seed < INPUTS; seed++) {
  const input = randomInput(seed, samples)
  const text = input.kind === 'bytes' ? new TextDecoder().decode(input.bytes) : input.text
  const stepsPerCharacter = counter.count(() => parse(text)) / (text.length + START)
  if (stepsPerCharacter > worst.stepsPerCharacter) worst = { seed, stepsPerCharacter }
}
counter.close()
process.stdout.write(JSON.stringify({ families, planted, worst }))
