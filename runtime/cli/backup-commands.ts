/** `backup` and `restore`: a data directory as one file, and back; and an environment back to a retained revision. */
import type { Command } from 'commander'
import { ManifestError } from '../../snapshots/manifest.ts'
import { ArchiveError } from '../../snapshots/tar.ts'
import { LogError } from '../../src/log/log.ts'
import { settings } from '../../src/ops/settings.ts'
import { packageVersion } from '../node/version.ts'
import { CliError } from './cli-error.ts'
import { connectAsAdmin } from './connection.ts'
import { inEffect, wholeNumber } from './env-commands.ts'
import { bytesText } from './environment-overview.ts'
import { print } from './output.ts'

interface DirectoryOption {
  readonly directory?: string
}

export const addBackupCommands = (program: Command): void => {
  program
    .command('backup')
    .description('write the log and the objects of a data directory to a file, while its server runs or not')
    .argument('<file>', 'a gzipped tar archive; one that is there is replaced when the new one is complete')
    .option('--directory <folder>', 'the data directory, as OSO_DIRECTORY')
    .action(backup)
  program
    .command('restore')
    .description(
      'with a backup: put it in place of what a data directory holds, whose server is stopped; with an environment and --to: bring it back to a retained revision, in every cell',
    )
    .argument('<file-or-environment>')
    .option('--to <revision>', 'the revision to go back to, with the admin key')
    .option('--directory <folder>', 'the data directory, as OSO_DIRECTORY')
    .action(restore)
}

const backup = async (target: string, options: DirectoryOption): Promise<void> => {
  const { writeBackup } = await import('../../replicator/backup.ts')
  const directory = directoryOf(options)
  const { files, revisions } = await told(async () => writeBackup({ directory, target, engine: await packageVersion(), nowMs: Date.now() }))
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  print(`backed up \`${directory}\` to \`${target}\`: ${files.length} files, ${bytesText(bytes)}`)
  for (const [env, revision] of Object.entries(revisions)) print(`  ${env} through revision ${revision}`)
}

const restore = async (what: string, { to, directory }: DirectoryOption & { readonly to?: string }): Promise<void> => {
  if (to === undefined) return restoreFile(what, directoryOf(directory === undefined ? {} : { directory }))
  if (directory !== undefined) throw new CliError('--to asks the server, and --directory is for a backup: give one of them')
  const { revision, applied } = await connectAsAdmin().restore(what, wholeNumber(to, '--to'))
  print(`environment ${what} is what it was at revision ${to}, since revision ${revision}${inEffect(applied)}`)
}

const restoreFile = async (file: string, directory: string): Promise<void> => {
  const { restoreBackup } = await import('../../replicator/backup-restore.ts')
  const { list, replaced } = await told(() => restoreBackup({ file, directory }), file)
  print(`restored \`${directory}\` from \`${file}\`, of ${new Date(list.createdAtMs).toISOString()}`)
  for (const [env, revision] of Object.entries(list.revisions)) print(`  ${env} through revision ${revision}`)
  if (replaced !== null) print(`what was there before is in \`${replaced}\`: remove it when it is not needed any more`)
}

const directoryOf = ({ directory }: DirectoryOption): string =>
  directory ?? process.env[settings.directory.variable] ?? settings.directory.default

const told = async <T>(work: () => Promise<T>, file: string | null = null): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const known = error instanceof ArchiveError || error instanceof LogError || error instanceof ManifestError || isSystem(error)
    if (!known) throw error
    throw new CliError(file === null ? error.message : `\`${file}\` cannot be restored: ${error.message}`, { cause: error })
  }
}

/** What the operating system says: a full disk, a folder that may not be read. */
const isSystem = (error: unknown): error is Error => error instanceof Error && 'syscall' in error
