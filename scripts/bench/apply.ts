/** Loading and what is left of it in memory. */
import { at } from '../../src/base/assert.ts'
import type { Store } from '../../src/store/facts.ts'
import { atLeast, atMost, type Figure } from './figure.ts'
import type { Loaded } from './world.ts'

const MIB = 1024 ** 2

/** Measured right after loading, before anything else grows the process. */
export const applyFigures = ({ size, store, facts, batches, busyMs }: Loaded): Figure[] => {
  const imageBytes = pragma(store, 'page_count') * pragma(store, 'page_size')
  return [
    { name: 'facts', size, value: facts, unit: '' },
    {
      name: 'apply in batches of 1,000',
      size,
      value: facts / (busyMs / 1000),
      unit: 'facts/s of a core',
      // On a machine that others use too, the clock would measure them.
      ...(size === '1m' && { bar: atLeast(50_000) }),
    },
    { name: 'apply in batches of 1,000, by the clock', size, value: facts / (batches.sum / 1000), unit: 'facts/s' },
    { name: 'apply of one batch p50', size, value: batches.p50, unit: 'ms' },
    { name: 'apply of one batch p99', size, value: batches.p99, unit: 'ms' },
    { name: 'database image per fact', size, value: imageBytes / facts, unit: 'bytes', ...(size === '1m' && { bar: atMost(100) }) },
    { name: 'wasm memory per fact', size, value: store.database.memoryBytes() / facts, unit: 'bytes' },
    { name: 'wasm memory', size, value: store.database.memoryBytes() / MIB, unit: 'MiB' },
    { name: 'process memory (RSS)', size, value: process.memoryUsage.rss() / MIB, unit: 'MiB' },
  ]
}

const pragma = ({ database }: Store, name: string): number => {
  const statement = database.prepare(`pragma ${name}`)
  const rows = statement.all()
  statement.finalize()
  return Number(at(at(rows, 0), 0))
}
