/** The language front end needs nothing but the language it is written in: it runs where edges run. */
import { expect, test } from 'vitest'
import { decodeSource, joinFiles, splitFiles } from '../../src/polar/files.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import { printPolicy } from '../../src/polar/print.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'

const policy = `actor Member {}

resource Box {
  roles = ["holder"];
  permissions = ["peek"];
  "peek" if "holder";
}
`

test('a policy is decoded, parsed and printed', () => {
  const { value: text } = decodeSource(new TextEncoder().encode(`\uFEFF${policy}`))
  const { value, diagnostics } = parsePolicy([{ name: 'box.polar', text: text ?? '' }])
  expect(diagnostics).toEqual([])
  expect(value && printPolicy(value)).toBe(policy)
})

test('a mistake is shown at its place', () => {
  const files = splitFiles(
    joinFiles([
      { name: 'ok.polar', text: policy },
      { name: 'bad.polar', text: 'p(x) if q(größe) and\n  x == 1;\n' },
    ]),
    null,
  )
  expect(parsePolicy(files).diagnostics.map((diagnostic) => renderDiagnostic(files, diagnostic))).toEqual([
    `bad.polar:2:5: error[not-part-of-polar-equality-or-assignment]: the operator \`==\` does not exist
  2 |   x == 1;
    |     ^^
  hint: use \`=\``,
  ])
  expect(decodeSource(Uint8Array.of(0x70, 0xff)).value).toBeNull()
})

test('200 levels of nesting fit the stack, 100,000 are refused', () => {
  const nested = (levels: number): string => `p() if ${'('.repeat(levels)}q()${')'.repeat(levels)};`
  expect(parsePolicy([{ name: 'p', text: nested(200) }]).diagnostics).toEqual([])
  expect(parsePolicy([{ name: 'p', text: nested(100_000) }]).diagnostics.map(({ code }) => code)).toEqual(['nesting-too-deep'])
})
