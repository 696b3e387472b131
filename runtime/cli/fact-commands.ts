/** `tell`, `delete`, `get`, `inspect`, `clear`. */
import type { Command } from 'commander'
import { formatFact, parseFact, parseFactPattern, parsePattern, parseValue } from './arguments.ts'
import { CliError } from './cli-error.ts'
import { connect } from './connection.ts'
import { overviewLines } from './environment-overview.ts'
import { print } from './output.ts'

export const addFactCommands = (program: Command): void => {
  program
    .command('tell')
    .description('insert one fact')
    .argument('<predicate>')
    .argument('<argument...>')
    .action(async (predicate: string, args: readonly string[]) => {
      const fact = parseFact(predicate, args)
      await connect().insert(fact)
      print(`inserted ${formatFact(fact)}`)
    })
  program
    .command('delete')
    .description('delete the facts that match')
    .argument('<predicate>')
    .argument('<argument...>')
    .action(async (predicate: string, args: readonly string[]) => {
      const pattern = parseFactPattern(predicate, args)
      await connect().delete(pattern)
      print(`deleted ${formatFact(pattern)}`)
    })
  program
    .command('get')
    .description('environment facts that begin with these arguments, one per line; all of them without any')
    .argument('[predicate]', 'a predicate, or _ for every one', '_')
    .argument('[argument...]')
    .action(get)
  program
    .command('inspect')
    .description('what is in the environment and how fresh it is; with a value: facts with that value as any argument')
    .argument('[value]')
    .action(inspect)
  program
    .command('clear')
    .description('remove all facts and the policy')
    .option('--confirm', 'really do it')
    .action(async ({ confirm = false }: { readonly confirm?: boolean }) => {
      if (!confirm) throw new CliError('this removes all facts and the policy: repeat with --confirm')
      print((await connect().clear()).message)
    })
}

const get = async (predicate: string, args: readonly string[]): Promise<void> => {
  const facts = await connect().facts(predicate === '_' ? null : predicate, args.map(parsePattern))
  for (const fact of facts) print(formatFact(fact))
}

const inspect = async (text: string | undefined): Promise<void> => {
  if (text === undefined) {
    for (const line of overviewLines(await connect().environment())) print(line)
    return
  }
  const { type, id } = parseValue(text)
  const facts = await connect().facts(null, [])
  for (const fact of facts) if (fact.args.some((arg) => arg.type === type && arg.id === id)) print(formatFact(fact))
}
