/** `env create`, `env list`, `env delete`: with the admin key. */
import type { Command } from 'commander'
import type { EnvironmentBody } from '../../src/wire/responses.ts'
import { CliError } from './cli-error.ts'
import { connectAsAdmin } from './connection.ts'
import { print } from './output.ts'

export const addEnvCommands = (program: Command): void => {
  const env = program.command('env').description('environments, with the admin key')
  env
    .command('create')
    .description('make an environment; one that exists is left as it is')
    .argument('<environment>', 'its id: letters, digits and -, at most 64')
    .option('--partition <number>', 'partition of the log; by default one is chosen')
    .action(create)
  env.command('list').description('every environment: id, partition, revision, facts, keys').action(list)
  env
    .command('delete')
    .description('remove an environment and its keys; its id is never used again')
    .argument('<environment>')
    .option('--confirm', 'really do it')
    .action(remove)
}

const create = async (id: string, { partition }: { readonly partition?: string }): Promise<void> => {
  const environment = await connectAsAdmin().createEnvironment(id, partition === undefined ? null : wholeNumber(partition, '--partition'))
  print(`environment ${environment.id} is there${partitionText(environment)}${inEffect(environment.applied)}`)
}

const list = async (): Promise<void> => {
  for (const environment of await connectAsAdmin().environments()) print(describe(environment))
}

const describe = ({ id, partition, temporary, revision, facts, keys, problem }: EnvironmentBody): string =>
  [
    id,
    temporary ? 'temporary' : `partition=${partition ?? 'unknown'}`,
    `revision=${revision ?? 'unknown'}`,
    `facts=${facts ?? 'unknown'}`,
    `keys=${keys}`,
    ...(problem === null ? [] : [`problem: ${problem}`]),
  ].join('  ')

const remove = async (id: string, { confirm = false }: { readonly confirm?: boolean }): Promise<void> => {
  if (!confirm) throw new CliError('this removes the environment, its facts, policy and keys: repeat with --confirm')
  const { message, applied } = await connectAsAdmin().deleteEnvironment(id)
  print(`${message}${inEffect(applied)}`)
}

const partitionText = ({ partition }: EnvironmentBody): string => (partition === null ? '' : `, in partition ${partition}`)

/** What is added to a message when the server that answered has not followed yet. */
export const inEffect = (applied: boolean): string => (applied ? '' : '; it takes effect in a moment')

export const wholeNumber = (text: string, option: string): number => {
  if (!/^[0-9]{1,15}$/.test(text)) throw new CliError(`${option} must be a whole number, found \`${text}\``)
  return Number(text)
}
