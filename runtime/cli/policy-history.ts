/** `policy history` and `policy rollback`: the versions of a policy that an environment keeps. */
import type { Command } from 'commander'
import { ClientError } from '../../src/client/transport.ts'
import { splitFiles } from '../../src/polar/files.ts'
import type { PolicyVersionBody } from '../../src/wire/responses.ts'
import { CliError } from './cli-error.ts'
import { connect } from './connection.ts'
import { wholeNumber } from './env-commands.ts'
import { print } from './output.ts'
import { showMessage } from './policy-files.ts'
import { policyRefusal } from './policy-refusal.ts'

export const addPolicyHistory = (policy: Command): void => {
  policy.command('history').description('the versions of the policy that are kept, newest first').action(history)
  policy
    .command('rollback')
    .description('save a version that is kept again, as the newest one')
    .argument('<version>', 'as `policy history` prints it')
    .option('--force', 'save although policy tests fail')
    .action(rollback)
}

const history = async (): Promise<void> => {
  const versions = await connect().policyHistory()
  for (const version of versions) print(versionText(version))
  if (versions.length === 0) print('no policy was saved yet')
}

/** `3  2026-01-31T12:00:00.000Z  1204 bytes  main.polar  active` */
export const versionText = ({ version, filename, saved_at_ms: savedAtMs, size_bytes: sizeBytes, active }: PolicyVersionBody): string =>
  [
    `version ${version}`,
    new Date(savedAtMs).toISOString(),
    `${sizeBytes} bytes`,
    ...(filename === null ? [] : [filename]),
    ...(active ? ['active'] : []),
  ].join('  ')

const rollback = async (text: string, { force = false }: { readonly force?: boolean }): Promise<void> => {
  const version = wholeNumber(text, '<version>')
  const client = connect()
  const stored = await client.policyVersion(version).catch((error: unknown) => {
    if (error instanceof ClientError && error.status === 404)
      throw new CliError(`${error.message}: \`arctos policy history\` lists those that are`)
    throw error
  })
  if (stored === null) throw new CliError(`policy version ${version} is not kept: \`arctos policy history\` lists those that are`)
  const files = splitFiles(stored.src, stored.filename)
  try {
    const { message, changed } = await client.savePolicy(stored.src, stored.filename, { force, showSuggestions: true })
    print(
      changed
        ? `version ${version} is active again: ${showMessage(files, message)}`
        : `version ${version} is active already, nothing was saved`,
    )
  } catch (error) {
    throw policyRefusal(files, error)
  }
}
