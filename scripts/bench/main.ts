/** `npm run bench`: measures the engine and the service over a GitHub-like data set; one JSON line per figure, a table at the end. */

import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compileModules, storeFactory } from '../../runtime/node/stores.ts'
import { applyFigures } from './apply.ts'
import { authorizeFigures } from './authorize.ts'
import { type Figure, figureLine, figureTable, passes } from './figure.ts'
import { githubShapes } from './github.ts'
import { httpFigures } from './http.ts'
import { listFigures } from './list.ts'
import { replicationFigures } from './replication.ts'
import { load, type World, withReference } from './world.ts'
import { writeFigures } from './write.ts'

const SUITES = ['authorize', 'http', 'apply', 'list', 'write', 'replication'] as const
type Suite = (typeof SUITES)[number]
type Size = keyof typeof githubShapes

const USAGE = 'usage: npm run bench -- [--suite authorize|http|apply|list|write|replication|all] [--size 10k|1m|both]\n'

const main = async (): Promise<void> => {
  const options = readOptions(process.argv.slice(2))
  if (options === null) {
    process.stderr.write(USAGE)
    process.exitCode = 2
    return
  }
  const { suites, sizes } = options
  const figures: Figure[] = []
  const report = (found: readonly Figure[]): void => {
    figures.push(...found)
    for (const figure of found) process.stdout.write(`${figureLine(figure)}\n`)
  }
  const worlds = suites.some((suite) => inProcess.has(suite)) ? await loadWorlds(sizes, suites, report) : []
  if (suites.includes('authorize')) report(authorizeFigures(worlds))
  if (suites.includes('list')) for (const world of worlds) report(listFigures(world))
  if (suites.includes('http')) for (const world of worlds) report(await httpFigures(world))
  if (suites.includes('write')) report(await writeFigures())
  // Cells hold the largest size only: what depends on it is what is measured.
  for (const size of suites.includes('replication') ? sizes.slice(-1) : [])
    await replicationFigures({ size, shape: githubShapes[size], report })
  process.stdout.write(`\n${figureTable(figures)}\n`)
  if (figures.some((figure) => passes(figure) === false)) process.exitCode = 1
}

const readOptions = (args: readonly string[]): { readonly suites: readonly Suite[]; readonly sizes: readonly Size[] } | null => {
  const { suite, size } = parsed(args)
  const suites = SUITES.filter((name) => suite === 'all' || suite === name)
  const sizes = sizeNames.filter((name) => size === 'both' || size.toLowerCase() === name)
  return suites.length === 0 || sizes.length === 0 ? null : { suites, sizes }
}

const sizeNames: readonly Size[] = ['10k', '1m']

const parsed = (args: readonly string[]): { readonly suite: string; readonly size: string } => {
  try {
    return parseArgs({ args: [...args], options: { suite: { type: 'string', default: 'all' }, size: { type: 'string', default: 'both' } } })
      .values
  } catch {
    return { suite: '', size: '' }
  }
}

/** All sizes are loaded before the references are built, so that the memory of the process is that of the engine. */
const loadWorlds = async (
  sizes: readonly Size[],
  suites: readonly Suite[],
  report: (figures: readonly Figure[]) => void,
): Promise<World[]> => {
  const createStore = storeFactory(await compileModules())
  const loaded = sizes.map((size) => {
    process.stderr.write(`loading ${size}\n`)
    const result = load(createStore(), size, githubShapes[size])
    collectGarbage()
    if (suites.includes('apply')) report(applyFigures(result))
    return result
  })
  return suites.some((suite) => asksQuestions.has(suite)) ? loaded.map(withReference) : []
}

const inProcess: ReadonlySet<Suite> = new Set(['authorize', 'http', 'apply', 'list'])
const asksQuestions: ReadonlySet<Suite> = new Set(['authorize', 'http', 'list'])

const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
}

await main()
