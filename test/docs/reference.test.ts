/** The tables of docs/reference against the program: endpoints, statuses, limits, commands, settings, metrics. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { addBackupCommands } from '../../runtime/cli/backup-commands.ts'
import { addDevCommand } from '../../runtime/cli/dev.ts'
import { addEdgeCommand } from '../../runtime/cli/edge.ts'
import { addEnvCommands } from '../../runtime/cli/env-commands.ts'
import { addFactCommands } from '../../runtime/cli/fact-commands.ts'
import { addFallbackCommand } from '../../runtime/cli/fallback.ts'
import { addFormatCommands } from '../../runtime/cli/format-commands.ts'
import { addImportCommands } from '../../runtime/cli/import-commands.ts'
import { addKeyCommands } from '../../runtime/cli/key-commands.ts'
import { addPolicyCommands } from '../../runtime/cli/policy-commands.ts'
import { addQuestionCommands } from '../../runtime/cli/question-commands.ts'
import { addReplicateCommand } from '../../runtime/cli/replicate.ts'
import { addServeCommands } from '../../runtime/cli/serve.ts'
import { addSnapshotCommands } from '../../runtime/cli/snapshot-commands.ts'
import { addVerifyCommands } from '../../runtime/cli/verify-commands.ts'
import { serviceLimits } from '../../runtime/service-limits.ts'
import { at, known } from '../../src/base/assert.ts'
import { configure } from '../../src/ops/configuration.ts'
import { type Setting, settings } from '../../src/ops/settings.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { arctos, startServer } from '../runtime/support/process.ts'
import { codes, documentAt, root, tableRows } from './markdown.ts'

const flags: ReadonlySet<string> = new Set(Object.values<Setting>(settings).map(({ flag }) => flag))
const sorted = (rows: readonly (readonly string[])[]): string[] => rows.map((row) => row.join(' | ')).toSorted()

describe('http.md', () => {
  const document = documentAt('docs/reference/http.md')

  test('endpoints', () => {
    const keys = { open: 'none', read: 'read-only', write: 'read-write', admin: 'admin', secret: 'secret' }
    const written = tableRows(document, 'method', 'path').map(([method = '', path = '', key = '']) => [method, path, key])
    expect(sorted(written)).toEqual(
      sorted(Object.values(endpoints).map(({ method, path, access }) => [method, `\`${path}\``, keys[access]])),
    )
  })

  test('status codes', () => {
    const errors = readFileSync(`${root}src/wire/api-error.ts`, 'utf8').matchAll(/^ {2}\S+: (\d{3}),$/gm)
    const all = new Set(['200', '202', ...[...errors].map(([, status]) => known(status, 'a status'))])
    expect(tableRows(document, 'status', 'when').map(([status]) => status)).toEqual([...all].toSorted())
  })

  test('limits', () => {
    const limitsOf = (mode: string) => serviceLimits(configure({ ARCTOS_MODE: mode }, {}).configuration)
    const textsOf = (mode: string) =>
      Object.entries(limitsOf(mode)).flatMap(([name, value]) => (elsewhere.has(name) ? [] : [limitText(name, value)]))
    const production = textsOf('production')
    const real = textsOf('development').map((text, index) => [text, at(production, index)])
    const written = tableRows(document, 'limit', 'development', 'production').map((row) => row.slice(1, 3))
    expect(sorted(written)).toEqual(sorted(real))
    expect(document.text).toContain(`At most ${limitText('', limitsOf('development').testEnvironments)}, then 429`)
  })
})

/** The wait for a position bounds no request; test environments have their limit in their own row. */
const elsewhere: ReadonlySet<string> = new Set(['tokenWaitMs', 'testEnvironments'])

const limitText = (name: string, value: number | null): string => {
  if (value === null) return 'none'
  if (!name.endsWith('Bytes')) return value.toLocaleString('en')
  return value < 2 ** 20 ? `${value / 2 ** 10} KiB` : `${value / 2 ** 20} MiB`
}

describe('cli.md', () => {
  const document = documentAt('docs/reference/cli.md')
  const program = new Command()
  for (const add of [
    addServeCommands,
    addDevCommand,
    addReplicateCommand,
    addEdgeCommand,
    addFallbackCommand,
    addPolicyCommands,
    addFactCommands,
    addFormatCommands,
    addImportCommands,
    addQuestionCommands,
    addEnvCommands,
    addKeyCommands,
    addSnapshotCommands,
    addBackupCommands,
    addVerifyCommands,
  ])
    add(program)
  const commands = program.commands.flatMap((command) =>
    // One with arguments does something itself, too.
    command.registeredArguments.length > 0 || command.commands.length === 0 ? [command, ...command.commands] : command.commands,
  )
  const ownOptions = (command: Command): string[] =>
    command.options.filter(({ long }) => !flags.has((long ?? '').replace(/^--(no-)?/, ''))).map((option) => option.flags)
  const rows = tableRows(document, 'command', 'options').filter(([command]) => command !== '`version`')

  test('the list of commands is that of --help', async () => {
    const { out } = await arctos(['--help'])
    const listed = [...known(out.split('Commands:\n')[1], 'commands').matchAll(/^ {2}(\S+)/gm)].map(([, name]) => known(name, 'name'))
    const written = tableRows(document, 'command', 'options').map(([command = '']) => /^`([\w-]+)/.exec(command)?.[1] ?? '')
    expect([...new Set([...written, 'help'])].toSorted()).toEqual(listed.toSorted())
  })

  test('arguments, options and descriptions', () => {
    const written = rows.map(([command = '', options = '', what = '']) => [codes(command).join(), codes(options).join(), what])
    const real = commands.map((command) => {
      const parent = command.parent === program ? '' : `${command.parent?.name()} `
      const args = command.registeredArguments.map((argument) => {
        const name = `${argument.name()}${argument.variadic ? '...' : ''}`
        return argument.required ? ` <${name}>` : ` [${name}]`
      })
      return [`${parent}${command.name()}${args.join('')}`, ownOptions(command).join(), command.description()]
    })
    expect(sorted(written)).toEqual(sorted(real))
  })

  test('commands that take every setting', () => {
    const written = rows.flatMap(([command = '', options = '']) => (options.startsWith('every flag of ') ? [/\w+/.exec(command)?.[0]] : []))
    const taking = commands.filter((command) => [...flags].every((flag) => command.options.some(({ long }) => long === `--${flag}`)))
    expect(written).toEqual(taking.map((command) => command.name()))
  })

  test('options are explained', () => {
    const explained = tableRows(document, 'option', 'meaning').map(([option = '']) => codes(option).join())
    expect(explained.toSorted()).toEqual([...new Set(commands.flatMap(ownOptions))].toSorted())
  })
})

describe('config.md', () => {
  test('settings', () => {
    const written = tableRows(documentAt('docs/reference/config.md'), 'variable', 'flag').map((row) => row.slice(0, 4).join(' | '))
    const real = Object.values<Setting>(settings).map((setting) => {
      const names = setting.kind === 'boolean' ? [`--${setting.flag}`, `--no-${setting.flag}`] : [`--${setting.flag}`]
      const value = setting.default === null ? 'none' : `\`${setting.default}\``
      return [`\`${setting.variable}\``, names.map((name) => `\`${name}\``).join(', '), valuesOf(setting), value].join(' | ')
    })
    expect(written).toEqual(real)
  })
})

const valuesOf = (setting: Setting): string => {
  switch (setting.kind) {
    case 'text':
      return 'text'
    case 'choice':
      return setting.values.map((value) => `\`${value}\``).join(', ')
    case 'boolean':
      return '`true`, `false`'
    case 'integer':
      return `${setting.minimum} to ${setting.maximum}`
  }
}

test('metrics.md', async () => {
  const server = await startServer()
  await fetch(`${server.url}/livez`)
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const metrics = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type])
  const document = documentAt('docs/reference/metrics.md')
  const rows = [...tableRows(document, 'name', 'type'), ...tableRows(document, 'of a replicator', 'type')]
  const written = rows.map(([name = '', type = '']) => [codes(name).join(), type])
  expect(sorted(written)).toEqual(sorted(metrics.filter(([name = '']) => !/^(?:process|nodejs)_/.test(name))))
})
