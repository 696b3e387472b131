/** `import`: facts from a file, resumable. */
import type { Command } from 'commander'

export const addImportCommands = (program: Command): void => {
  program
    .command('import')
    .description('insert facts from a file, 1,000 per write')
    .argument('<file>', 'one JSON object per line, {"predicate": …, "args": [{"type": …, "id": …}, …]}; - for standard input')
    .option('--from-line <number>', 'begin at this line')
    .action(async (path: string, { fromLine = '1' }: { readonly fromLine?: string }) => {
      // Only this command needs the shapes of the API, which take longer to load than the others to run.
      const { importFile } = await import('./import-file.ts')
      await importFile(path, fromLine)
    })
}
