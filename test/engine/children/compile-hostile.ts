/** Compiles every hostile policy, and prints what each came to: codes of its errors, number of its diagnostics, steps, and bytes of its text. */
import { utf8Length } from '../../../src/base/text.ts'
import { compilePolicy } from '../../../src/engine/compile.ts'
import { StepCounter } from '../../polar/step-counter.ts'
import { hostilePolicies } from '../hostile-policies.ts'

const counter = new StepCounter('/src/')
for (const [name, { text }] of Object.entries(hostilePolicies)) {
  const files = [{ name: 'hostile.polar', text: text() }]
  let outcome: ReturnType<typeof compilePolicy> = { value: null, diagnostics: [] }
  const steps = counter.count(() => {
    outcome = compilePolicy(files)
  })
  const { value, diagnostics } = outcome
  const codes = [...new Set(diagnostics.flatMap(({ code, severity }) => (severity === 'error' ? [code] : [])))]
  const line = { name, codes, compiled: value !== null, diagnostics: diagnostics.length, steps, bytes: utf8Length(files[0]?.text ?? '') }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
counter.close()
