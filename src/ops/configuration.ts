/** Reads the configuration: a flag wins over its environment variable, which wins over the default; an unknown name is an error. */
import { helpOf } from './setting-help.ts'
import { type Configuration, type Setting, type SettingName, settings } from './settings.ts'
import { withoutSecrets } from './without-secrets.ts'

export type Source = 'flag' | 'environment' | 'default'

export interface Configured {
  readonly configuration: Configuration
  readonly sources: Readonly<Record<string, Source>>
  /** One sentence per mistake; the configuration is usable only when there is none. */
  readonly problems: readonly string[]
}

type Texts = Readonly<Record<string, string | undefined>>

/** Reads settings from an environment and from flags by name (`query-timeout-ms`), both as text. */
export const configure = (environment: Texts, flags: Texts): Configured => {
  const problems = [...unknownNames(environment, flags)]
  const sources: Record<string, Source> = {}
  const entries = Object.entries<Setting>(settings).map(([name, setting]) => {
    const flag = flags[setting.flag]
    // An empty variable is an unset one: that is how compose files write it.
    const variable = environment[setting.variable] === '' ? undefined : environment[setting.variable]
    sources[name] = flag !== undefined ? 'flag' : variable !== undefined ? 'environment' : 'default'
    const text = flag ?? variable
    const value = text === undefined ? setting.default : read(setting, text)
    if (value === undefined)
      problems.push(
        `${flag === undefined ? setting.variable : `--${setting.flag}`} must be ${expected(setting, text ?? '')}, found \`${shown(setting, text ?? '')}\``,
      )
    return [name, value ?? setting.default] as const
  })
  return { configuration: fromEntries(entries), sources, problems }
}

/** The effective values for people, one line each, secrets masked. */
export const describeConfiguration = ({ configuration, sources }: Configured): readonly string[] =>
  Object.entries<Setting>(settings).map(([name, setting]) => {
    const value = Object.entries(configuration).find(([key]) => key === name)?.[1]
    const shown = value === null || value === undefined ? '(none)' : setting.kind === 'text' && setting.secret ? '********' : String(value)
    return `${setting.variable}=${shown}  # ${sources[name] ?? 'default'}, --${setting.flag}: ${helpOf(name)}`
  })

const unknownNames = (environment: Texts, flags: Texts): readonly string[] => {
  const all = Object.values<Setting>(settings)
  const variables = new Set(all.map((setting) => setting.variable))
  const names = new Set(all.map((setting) => setting.flag))
  return [
    ...Object.keys(environment)
      .filter((name) => name.startsWith('ARCTOS_') && !variables.has(name))
      .map((name) => `unknown setting \`${name}\``),
    ...Object.keys(flags)
      .filter((name) => !names.has(name))
      .map((name) => `unknown option \`--${name}\``),
  ]
}

/** Of a value that was refused. */
const shown = (setting: Setting, text: string): string => {
  if (setting.kind !== 'text') return text
  return setting.secret ? '********' : withoutSecrets(text)
}

const read = (setting: Setting, text: string): string | number | boolean | undefined => {
  switch (setting.kind) {
    case 'text':
      return setting.check === undefined || setting.check(text) === null ? text : undefined
    case 'choice':
      return setting.values.includes(text) ? text : undefined
    case 'boolean':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined
    case 'integer': {
      const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : -1
      return value >= setting.minimum && value <= setting.maximum ? value : undefined
    }
  }
}

const expected = (setting: Setting, text: string): string => {
  switch (setting.kind) {
    case 'text':
      return setting.check?.(text) ?? 'text'
    case 'choice':
      return setting.values.map((value) => `\`${value}\``).join(' or ')
    case 'boolean':
      return '`true` or `false`'
    case 'integer':
      return `an integer from ${setting.minimum} to ${setting.maximum}`
  }
}

// The one cast: every name got a value of its setting's kind just above.
const fromEntries = (entries: readonly (readonly [string, unknown])[]): Configuration =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Object.fromEntries(entries) as unknown as Readonly<Record<SettingName, never>>
