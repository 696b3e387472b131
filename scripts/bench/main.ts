/** `npm run bench`: measures the engine and the service over a GitHub-like and a Drive-like data set; one JSON line per figure, a table at the end. */

import { parseArgs } from 'node:util'
import { compileModules, storeFactory, storePool } from '../../snapshots/node/stores.ts'
import { applyFigures } from './apply.ts'
import { authorizeFigures } from './authorize.ts'
import { collectGarbage } from './collect-garbage.ts'
import type { DataSet } from './data-set.ts'
import { depthFigures } from './depth.ts'
import { driveSet, driveShapes } from './drive.ts'
import { edgeFigures } from './edge.ts'
import { type Figure, figureLine, figureTable, passes } from './figure.ts'
import { githubSet, githubShapes } from './github.ts'
import { httpFigures } from './http.ts'
import { listFigures } from './list.ts'
import { replicationFigures } from './replication.ts'
import { asStarted, load, type World, withReference } from './world.ts'
import { writeFigures } from './write.ts'

const SUITES = ['authorize', 'http', 'apply', 'list', 'depth', 'drive', 'write', 'replication', 'edge'] as const
type Suite = (typeof SUITES)[number]
type Size = keyof typeof githubShapes

const USAGE = 'usage: npm run bench -- [--suite authorize|http|apply|list|depth|drive|write|replication|edge|all] [--size 10k|1m|both]\n'

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
  await setFigures({ sizes, suites: new Set(suites), set: (size) => githubSet(githubShapes[size]), report })
  if (suites.includes('depth')) report(depthFigures(storeFactory(await compileModules())))
  if (suites.includes('drive')) {
    const named = (found: readonly Figure[]): void => report(found.map((figure) => ({ ...figure, name: `drive: ${figure.name}` })))
    await setFigures({ sizes, suites: overData, set: (size) => driveSet(driveShapes[size]), report: named })
  }
  if (suites.includes('write')) report(await writeFigures())
  // Cells hold the largest size only: what depends on it is what is measured.
  for (const size of suites.includes('replication') ? sizes.slice(-1) : [])
    await replicationFigures({ size, shape: githubShapes[size], report })
  if (suites.includes('edge')) await edgeFigures(report)
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

interface SetRun {
  readonly sizes: readonly Size[]
  readonly suites: ReadonlySet<Suite>
  readonly set: (size: Size) => DataSet
  readonly report: (figures: readonly Figure[]) => void
}

/** What is asked of one data set in all sizes. */
const setFigures = async (run: SetRun): Promise<void> => {
  const { suites, report } = run
  const worlds = [...suites].some((suite) => overData.has(suite)) ? await loadWorlds(run) : []
  if (suites.has('authorize')) report(authorizeFigures(worlds))
  if (suites.has('list')) for (const world of worlds) report(listFigures(world))
  if (suites.has('http')) for (const world of worlds) report(await httpFigures(world))
  for (const { engine, store } of worlds) {
    engine.close()
    store.database.close()
  }
}

/** All sizes are loaded before the references are built, so that the memory of the process is that of the engine. Questions go to what a process has after its
 * start: what was applied record by record is in pages all over the memory (`--suite replication` compares the two). */
const loadWorlds = async ({ sizes, suites, set, report }: SetRun): Promise<World[]> => {
  const modules = await compileModules()
  const [createStore, pool] = [storeFactory(modules), storePool(modules)]
  const loaded = sizes.map((size) => {
    process.stderr.write(`loading ${size}\n`)
    const result = load(createStore(), size, set(size))
    collectGarbage()
    if (suites.has('apply')) report(applyFigures(result))
    return result
  })
  return [...suites].some((suite) => asksQuestions.has(suite)) ? loaded.map((each) => withReference(asStarted(each, pool))) : []
}

const overData: ReadonlySet<Suite> = new Set(['authorize', 'http', 'apply', 'list'])
const asksQuestions: ReadonlySet<Suite> = new Set(['authorize', 'http', 'list'])

await main()
