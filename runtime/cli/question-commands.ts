/** `authorize`, `authorize-resources`, `list`, `actions`, `query`. */
import type { Command } from 'commander'
import type { Fact } from '../../src/base/value.ts'
import { formatFact, parseFactPattern, parseFactText, parseName, parseValue } from './arguments.ts'
import { connect } from './connection.ts'
import { print } from './output.ts'
import { whyLines } from './why.ts'

interface ContextOption {
  readonly contextFact?: readonly Fact[]
}

export const addQuestionCommands = (program: Command): void => {
  withContext(
    program
      .command('authorize')
      .description('check an action; without a resource, a global one')
      .argument('<actor>')
      .argument('<action>')
      .argument('[resource]')
      .option('--why', 'also print why: the rules and facts that allow it, or what each rule lacks'),
  ).action(authorize)
  withContext(
    program
      .command('authorize-resources')
      .description('the resources on which an action is allowed')
      .argument('<actor>')
      .argument('<action>')
      .argument('<resource...>'),
  ).action(authorizeResources)
  withContext(
    program
      .command('list')
      .description('ids of the resources on which an action is allowed')
      .argument('<actor>')
      .argument('<action>')
      .argument('<type>'),
  ).action(async (actor: string, action: string, type: string, { contextFact = [] }: ContextOption) => {
    for (const id of await connect().list(parseValue(actor), parseName(action), type, contextFact)) print(id)
  })
  withContext(
    program.command('actions').description('the actions that are allowed on a resource').argument('<actor>').argument('<resource>'),
  ).action(async (actor: string, resource: string, { contextFact = [] }: ContextOption) => {
    for (const action of await connect().actions(parseValue(actor), parseValue(resource), contextFact)) print(action)
  })
  withContext(program.command('query').description('derived facts, one per line').argument('<predicate>').argument('<argument...>')).action(
    async (predicate: string, args: readonly string[], { contextFact = [] }: ContextOption) => {
      for (const fact of await connect().query(parseFactPattern(predicate, args), contextFact)) print(formatFact(fact))
    },
  )
}

const withContext = (command: Command): Command =>
  command.option(
    '-c, --context-fact <fact>',
    'a fact for this question only: "predicate argument …"; may repeat',
    // No default of the option itself: the help would show it.
    (text: string, before: readonly Fact[] | undefined) => [...(before ?? []), parseFactText(text)],
  )

const authorize = async (
  actor: string,
  action: string,
  resource: string | undefined,
  { contextFact = [], why = false }: ContextOption & { readonly why?: boolean },
): Promise<void> => {
  const client = connect()
  const subject = parseValue(actor)
  const name = parseName(action)
  if (why) {
    const explained = await client.explain(subject, name, resource === undefined ? null : parseValue(resource), contextFact)
    for (const line of [explained.allowed ? 'Allowed' : 'Denied', ...whyLines(explained)]) print(line)
    return
  }
  const allowed =
    resource === undefined
      ? (await client.query({ predicate: 'allow', args: [subject, { type: 'String', id: name }] }, contextFact)).length > 0
      : await client.authorize(subject, name, parseValue(resource), contextFact)
  print(allowed ? 'Allowed' : 'Denied')
}

const authorizeResources = async (
  actor: string,
  action: string,
  resources: readonly string[],
  { contextFact = [] }: ContextOption,
): Promise<void> => {
  const allowed = await connect().authorizeResources(parseValue(actor), parseName(action), resources.map(parseValue), contextFact)
  for (const { type, id } of allowed) print(`${type}:${id}`)
}
