/** `key generate`: a key for the caller, its hash for the server. `key create`, `key list`, `key revoke`: keys of every cell, with the admin key. */
import { createHash, randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { controlEnvironment } from '../../src/log/control.ts'
import { isEnvironmentId } from '../../src/wire/api-key.ts'
import { formatKeyRecord, hashKey, makeKey } from '../keys.ts'
import { CliError } from './cli-error.ts'
import { connectAsAdmin } from './connection.ts'
import { inEffect } from './env-commands.ts'
import { print } from './output.ts'

export const addKeyCommands = (program: Command): void => {
  const key = program.command('key').description('API keys')
  key
    .command('generate')
    .description('print a new key and its hash, for the file that ARCTOS_KEYS names or for ARCTOS_ADMIN_KEY')
    .argument('[environment]', 'the environment that the key opens', 'default')
    .option('--read-only', 'a key that cannot change anything')
    .option('--admin', 'the key that manages environments, keys and snapshots')
    .action(generate)
  key
    .command('create')
    .description('make a key that every cell knows; it is printed this once')
    .argument('<environment>')
    .option('--read-only', 'a key that cannot change anything')
    .action(create)
  key.command('list').description('keys that are valid, one per line, without their secrets').argument('[environment]').action(list)
  key
    .command('revoke')
    .description('end a key in every cell')
    .argument('<environment>')
    .argument('<token-id>', 'as `key list` prints it')
    .action(revoke)
}

interface Options {
  readonly readOnly?: boolean
  readonly admin?: boolean
}

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest()

const generate = (environment: string, { readOnly = false, admin = false }: Options): void => {
  if (admin && readOnly) throw new CliError('an admin key cannot be read-only')
  if (admin) {
    const key = `a_${randomBytes(24).toString('hex')}`
    print(`key:  ${key}`)
    print(`hash: sha256:${hashKey(sha256, key)}`)
    return
  }
  if (!isEnvironmentId(environment)) throw new CliError(`\`${environment}\` is no environment id: letters, digits and \`-\`, at most 64`)
  if (environment === controlEnvironment) throw new CliError(`no key opens \`${controlEnvironment}\`: use the admin key, see --admin`)
  const { key, record } = makeKey(sha256, { environment, access: accessOf(readOnly) }, randomBytes(30).toString('hex'))
  print(`key:  ${key}`)
  print(`hash: ${formatKeyRecord(record)}`)
}

const create = async (environment: string, { readOnly = false }: Options): Promise<void> => {
  const { key, applied } = await connectAsAdmin().createKey(environment, accessOf(readOnly))
  print(`key:  ${key}`)
  if (!applied) print('it takes effect in a moment')
}

const list = async (environment: string | undefined): Promise<void> => {
  for (const { environment: id, token_id: tokenId, access, source } of await connectAsAdmin().keys(environment ?? null))
    print(`${id} ${tokenId} ${access}${source === 'process' ? ' (configured at the server)' : ''}`)
}

const revoke = async (environment: string, tokenId: string): Promise<void> => {
  const { message, applied } = await connectAsAdmin().revokeKey(environment, tokenId)
  print(`${message}${inEffect(applied)}`)
}

const accessOf = (readOnly: boolean): 'read-only' | 'read-write' => (readOnly ? 'read-only' : 'read-write')
