/** Files, places in them, and diagnostics for people. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Diagnostic } from '../../src/polar/diagnostic.ts'
import { joinFiles, splitFiles } from '../../src/polar/files.ts'
import { locate, shortMessage } from '../../src/polar/locate.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'
import { hasErrors, reportable } from '../../src/polar/report.ts'

describe('several files as one text', () => {
  const cases: readonly (readonly [source: string, filename: string | null, files: readonly (readonly [name: string, text: string])[]])[] =
    [
      ['p();', null, [['policy.polar', 'p();']]],
      ['p();', '', [['policy.polar', 'p();']]],
      ['p();', 'my.polar', [['my.polar', 'p();']]],
      ['', null, [['policy.polar', '']]],
      [
        '# file: a.polar\np();\n\n# file: b.polar\nq();',
        null,
        [
          ['a.polar', 'p();\n'],
          ['b.polar', 'q();'],
        ],
      ],
      ['\uFEFF# file: a\np();', 'x', [['a', 'p();']]],
      [' \n\n# file: a\np();', 'x', [['a', 'p();']]],
      [
        'q();\n# file: a\np();',
        'x',
        [
          ['x', 'q();'],
          ['a', 'p();'],
        ],
      ],
      [
        '# file: a\n# file: b',
        null,
        [
          ['a', ''],
          ['b', ''],
        ],
      ],
      [
        '# file: a b.polar \r\np();\r\n# file: c\r\n',
        null,
        [
          ['a b.polar', 'p();\r'],
          ['c', ''],
        ],
      ],
      [
        '# file: \n#file: a\n## file: a\n # file: a\n# file:a',
        null,
        [['policy.polar', '# file: \n#file: a\n## file: a\n # file: a\n# file:a']],
      ],
    ]
  test.each(cases)('%j named %j', (source, filename, files) => {
    expect(splitFiles(source, filename)).toEqual(files.map(([name, text]) => ({ name, text })))
  })

  test('splitting undoes joining', async () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/\s/.test(text))
    const text = fc
      .string({ unit: fc.constantFrom('a', '\n', '\r', '#', ' ', 'file:', '\u2028', '😀') })
      .filter((sample) => !/(^|\n)# file: \S/.test(sample))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ name, text }), { minLength: 1 }), async (files) => {
        expect(splitFiles(joinFiles(files), 'other')).toEqual(files)
      }),
    )
  })

  test('a name stays on its line', () => {
    expect(
      splitFiles(
        joinFiles([
          { name: ' a\nb ', text: 'p();' },
          { name: '', text: '' },
        ]),
        null,
      ),
    ).toEqual([
      { name: 'a b', text: 'p();' },
      { name: 'policy.polar', text: '' },
    ])
  })

  test('places are in the original file', () => {
    const files = splitFiles('# file: a\np();\n# file: b\n\nq(', null)
    expect(parsePolicy(files).diagnostics.map((diagnostic) => shortMessage(files, diagnostic, false))).toEqual([
      'b:2:3: expected a term, found end of file',
    ])
  })
})

describe('locate', () => {
  const text = 'ab\n😀é😀x\r\n\n\tz'
  const places: readonly (readonly [start: number, end: number, place: string])[] = [
    [0, 2, '1:1+2'],
    [2, 3, '1:3+1'],
    [3, 5, '2:1+1'],
    [5, 6, '2:2+1'],
    [3, 9, '2:1+4'],
    [8, 9, '2:4+1'],
    [11, 12, '3:1+1'],
    [13, 14, '4:2+1'],
    [14, 14, '4:3+0'],
    [99, 100, '4:3+0'],
    [0, 14, '1:1+12'],
  ]
  test.each(places)('%i–%i is %s', (start, end, place) => {
    const { file, line, column, length } = locate([{ name: 'f', text }], { file: 0, start, end })
    expect(`${file} ${line}:${column}+${length}`).toBe(`f ${place}`)
  })

  test('agrees with counting code points, also across lines of thousands of characters', async () => {
    const unit = fc.constantFrom('a', '\n', '😀', 'é', '\uFEFF')
    await fc.assert(
      fc.asyncProperty(fc.array(unit, { maxLength: 12 }), fc.nat(400), fc.nat(), async (units, times, position) => {
        const points = Array.from({ length: times }, () => units).flat()
        const before = points.slice(0, position % (points.length + 1))
        const lines = before.join('').split('\n')
        const mark = lines.length === 1 && points[0] === '\uFEFF' && before.length > 0 ? 1 : 0
        const { line, column } = locate([{ name: 'f', text: points.join('') }], { file: 0, start: before.join('').length, end: 0 })
        expect([line, column]).toEqual([lines.length, Array.from(lines.at(-1) ?? '').length + 1 - mark])
      }),
    )
  })

  test('a span of no file', () => {
    expect(locate([], { file: -1, start: 0, end: 0 })).toEqual({ file: '', line: 1, column: 1, length: 0 })
  })
})

describe('rendering', () => {
  const render = (text: string): string => {
    const files = [{ name: 'b.polar', text }]
    return parsePolicy(files)
      .diagnostics.map((diagnostic) => renderDiagnostic(files, diagnostic))
      .join('\n')
  }

  test('the source line with the place underlined, and the hint', () => {
    expect(
      render('resource Box {\n\troles = ["héé"] permissions = ["漢字"];\r\n}'),
    ).toBe(`b.polar:2:18: error[unexpected-token]: expected \`;\`, found \`permissions\`
  2 |   roles = ["héé"] permissions = ["漢字"];
    |                   ^^^^^^^^^^^
  hint: insert \`;\` before \`permissions\``)
  })

  test('wide characters, labels and the end of the file', () => {
    expect(render('resource 漢字 { "漢😀" if if;')).toBe(`b.polar:1:23: error[unexpected-token]: expected a condition, found \`if\`
  1 | resource 漢字 { "漢😀" if if;
    |                           ^^
  hint: \`if\` is a reserved word
b.polar:1:26: error[unexpected-token]: expected \`}\`, found end of file
  1 | resource 漢字 { "漢😀" if if;
    |                              ^
  b.polar:1:13: this \`{\` is not closed
  1 | resource 漢字 { "漢😀" if if;
    |               -
  hint: add \`}\` at the end`)
  })

  test('nothing that a terminal would obey, and never a whole long line', () => {
    const rendered = render(`p("${'x'.repeat(5000)}\u001b[31m\u202e", y z, ${'w, '.repeat(5000)}1);`)
    expect(rendered).toContain('found `z`')
    expect(rendered).toContain('\\u{1b}[31m\\u{202e}')
    expect(rendered.includes('\u001b') || rendered.includes('\u202e')).toBe(false)
    expect(Math.max(...rendered.split('\n').map((line) => line.length))).toBeLessThan(300)
  })
})

test('what is reported: sorted, the first 100, errors before warnings', () => {
  const diagnostic = (severity: 'error' | 'warning', file: number, start: number): Diagnostic => ({
    code: 'empty-test',
    severity,
    message: 'm',
    span: { file, start, end: start },
    labels: [],
    hint: null,
  })
  const warnings = Array.from({ length: 150 }, (_, index) => diagnostic('warning', 0, 150 - index))
  const errors = Array.from({ length: 30 }, (_, index) => diagnostic('error', 1, 30 - index))
  const reported = reportable([...warnings, ...errors])
  expect(reported).toHaveLength(100)
  expect(reported.slice(0, 2).map(({ span }) => span.start)).toEqual([1, 2])
  expect(reported.filter(({ severity }) => severity === 'error').map(({ span }) => span.start)).toEqual(
    errors.map(({ span }) => span.start).toReversed(),
  )
  expect(hasErrors(reported)).toBe(true)
  expect(hasErrors(warnings)).toBe(false)
})
