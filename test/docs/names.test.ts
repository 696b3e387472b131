/** Guides and container files name only what there is: commands and their flags, variables, metrics, log lines, files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { type Setting, settings } from '../../src/ops/settings.ts'
import { codes, documentAt, documents, root, tableRows } from './markdown.ts'

const variables: ReadonlySet<string> = new Set(['OSO_URL', 'OSO_AUTH', ...Object.values<Setting>(settings).map(({ variable }) => variable)])
const settingFlags = Object.values<Setting>(settings).map(({ flag }) => `--${flag}`)

/** `reference.test.ts` holds these tables to the program. */
const commands = tableRows(documentAt('docs/reference/cli.md'), 'command', 'options').map(([command = '', options = '']) => {
  const words = known(/^`([a-z ]+)/.exec(command)?.[1], 'a command').trim()
  const flags = [...options.matchAll(/--[a-z-]+/g)].map(([flag]) => flag)
  return { words, flags: options.includes('every flag') ? [...flags, ...settingFlags] : flags }
})
const metrics: ReadonlySet<string> = new Set(
  [...documentAt('docs/reference/metrics.md').text.matchAll(/^\| `((?:arctos|oso)_\w+)`/gm)].map(([, name]) => known(name, 'a name')),
)

const problemsOfCommand = (code: string): readonly string[] => {
  const line = /^(?:npx )?arctos (?<rest>[a-z].*)$/.exec(code)?.groups?.['rest']
  if (line === undefined) return []
  const command = commands
    .filter(({ words }) => line === words || line.startsWith(`${words} `))
    .toSorted((a, b) => b.words.length - a.words.length)[0]
  if (command === undefined) return [`no command \`${code}\``]
  return [...line.matchAll(/--[a-z-]+/g)].flatMap(([flag]) => (command.flags.includes(flag) ? [] : [`no flag \`${flag}\` in \`${code}\``]))
}

const problemsOfScript = (code: string): readonly string[] => {
  const [, script, flags = ''] = /^npm run ([a-z-]+)(?: -- (.*))?$/.exec(code) ?? []
  if (script === undefined) return []
  const path = `${root}scripts/${script}.ts`
  if (!existsSync(path)) return flags === '' ? [] : [`no file for \`${code}\``]
  const source = readFileSync(path, 'utf8')
  return [...flags.matchAll(/--([a-z-]+)/g)].flatMap(([, flag]) =>
    source.includes(`${flag}: { type:`) ? [] : [`no flag \`${flag}\` in \`${code}\``],
  )
}

const unknownVariables = (text: string): readonly string[] =>
  [...text.matchAll(/\b(?:ARCTOS|OSO)_[A-Z_]+\b/g)].flatMap(([name]) => (variables.has(name) ? [] : [name]))

const problemsIn = (text: string): readonly string[] => [
  ...codes(text).flatMap((code) => [...problemsOfCommand(code), ...problemsOfScript(code)]),
  ...unknownVariables(text),
  ...codes(text).filter((code) => /^(?:arctos|oso)_\w+$/.test(code) && !metrics.has(code)),
]

const guides = documents.filter(({ path }) => path.startsWith('docs/guides/'))

describe.each(guides.map((guide) => [guide.path, guide] as const))('%s', (_path, { text }) => {
  test('commands, flags, scripts, variables and metrics exist', () => {
    expect(problemsIn(text)).toEqual([])
  })

  test('log lines exist', () => {
    const named = codes(text).filter((code) => /^[a-z]+(?:-[a-z]+)+$/.test(code))
    const sources = ['src', 'snapshots', 'replicator', 'runtime'].flatMap(sourcesIn).join('\n')
    expect(named.filter((name) => !sources.includes(`'${name}'`))).toEqual([])
  })
})

const sourcesIn = (folder: string): readonly string[] =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).flatMap((path) =>
    path.endsWith('.ts') ? [readFileSync(`${root}${folder}/${path}`, 'utf8')] : [],
  )

test('planted mistakes are found', () => {
  const planted = [
    '`arctos environment list`',
    '`npx arctos key create x --admin`',
    '`npm run chaos -- --hours 1`',
    '`ARCTOS_NONE`',
    '`arctos_none`',
  ]
  for (const text of planted) expect(problemsIn(text)).toHaveLength(1)
  expect(
    problemsIn('`arctos key create x --read-only`, `arctos serve --port 1`, `npm run chaos -- --minutes 1`, `arctos_staleness_ms`'),
  ).toEqual([])
})

describe('container files', () => {
  test('variables are settings', () => {
    for (const path of ['Dockerfile', 'compose.yaml']) expect(unknownVariables(readFileSync(`${root}${path}`, 'utf8'))).toEqual([])
  })

  test('what is copied is there, and let through', () => {
    const copied = [...readFileSync(`${root}Dockerfile`, 'utf8').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    )
    const allowed = new Set([...readFileSync(`${root}.dockerignore`, 'utf8').matchAll(/^!(.+)$/gm)].map(([, path]) => path))
    expect(copied.length).toBeGreaterThan(5)
    expect(copied.filter((path) => !existsSync(`${root}${path}`) || !allowed.has(path))).toEqual([])
  })

  test('commands exist', () => {
    const text = readFileSync(`${root}compose.yaml`, 'utf8')
    const run = [...text.matchAll(/npx (arctos [^\n]+)/g)].map(([, code]) => known(code, 'a command'))
    expect(run.length).toBeGreaterThan(2)
    expect(run.flatMap(problemsOfCommand)).toEqual([])
    for (const [, command = ''] of text.matchAll(/^ {4}command: \[(\w+)\]$/gm))
      expect(commands.map(({ words }) => words)).toContain(command)
  })
})
