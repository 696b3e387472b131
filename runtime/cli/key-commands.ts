/** `key generate`: a key for the caller, its hash for the server. */
import { createHash, randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { isEnvironmentId } from '../../src/wire/api-key.ts'
import { formatKeyRecord, hashKey } from '../keys.ts'
import { CliError } from './cli-error.ts'
import { print } from './output.ts'

export const addKeyCommands = (program: Command): void => {
  program
    .command('key')
    .description('API keys')
    .command('generate')
    .description('print a new key and the line of its hash for the file that ARCTOS_KEYS names')
    .argument('[environment]', 'the environment that the key opens', 'default')
    .option('--read-only', 'a key that cannot change anything')
    .action(generate)
}

const generate = (environment: string, { readOnly = false }: { readonly readOnly?: boolean }): void => {
  if (!isEnvironmentId(environment)) throw new CliError(`\`${environment}\` is no environment id: letters, digits and \`-\`, at most 64`)
  const tokenId = randomBytes(6).toString('hex')
  const key = `e_${environment}_${tokenId}_${randomBytes(24).toString('hex')}`
  const hash = hashKey((text) => createHash('sha256').update(text).digest(), key)
  print(`key:  ${key}`)
  print(`hash: ${formatKeyRecord({ environment, tokenId, access: readOnly ? 'read-only' : 'read-write', hash })}`)
}
