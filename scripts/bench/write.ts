/** One durable write over HTTP at a time, and many at once, through a whole server with its log on disk. */
import { execFile } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startServer } from '../../runtime/node.ts'
import { assert } from '../../src/base/assert.ts'
import { configure } from '../../src/ops/configuration.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { manyRules } from './depth.ts'
import { atMost, type Figure } from './figure.ts'
import { githubFacts, githubPolicy, githubShapes } from './github.ts'
import { type Exchange, Load } from './load.ts'
import { median } from './rounds.ts'
import { percentile, Samples } from './timing.ts'
import { batchesOf } from './world.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('../../runtime/cli/main.ts', import.meta.url))

/** Behind the policy of the writes. */
const FIRST_LARGE = 2
const ROLLBACKS = 9
const WARM_UP = 200
const WRITES = 1000
const CONNECTIONS = 16
const SYNC_BYTES = 512

export const writeFigures = async (): Promise<Figure[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'arctos-bench-'))
  try {
    const disk = syncs(directory)
    const settings = { OSO_DIRECTORY: join(directory, 'data'), OSO_PORT: '0', ARCTOS_EXAMPLE: 'false', ARCTOS_LOG_LEVEL: 'warn' }
    const server = await startServer(configure(settings, {}).configuration)
    const load = new Load({ port: Number(new URL(server.url).port), key: developmentKey })
    try {
      return [...(await measure(load, disk)), await rollbackFigure(load, server.url)]
    } finally {
      await load.close()
      await server.stop()
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const measure = async (load: Load, disk: Samples): Promise<Figure[]> => {
  await post(load, '/api/policy', [{ src: githubPolicy, filename: 'github.polar' }])
  const batches = [...batchesOf(githubFacts(githubShapes['10k']), 1000)].map((batch) => [{ inserts: batch }])
  await post(load, '/api/batch', batches)
  await load.run({ path: '/api/batch', connections: 1, exchanges: writes('warm', WARM_UP) })
  const single = await load.run({ path: '/api/batch', connections: 1, exchanges: writes('single', WRITES) })
  const many = await load.run({ path: '/api/batch', connections: CONNECTIONS, exchanges: writes('many', WRITES) })
  const size = '10k'
  return [
    { name: 'sync of 512 bytes to disk p50', size, value: disk.p50, unit: 'ms' },
    { name: 'durable write over HTTP p50', size, value: percentile(single.latenciesMs, 0.5), unit: 'ms', bar: atMost(3) },
    { name: 'durable write over HTTP p99', size, value: percentile(single.latenciesMs, 0.99), unit: 'ms' },
    { name: `durable writes, ${CONNECTIONS} at once`, size, value: WRITES / many.seconds, unit: 'writes/s' },
  ]
}

/** Between two policies of 300 rules, as an operator does it: the whole command, its start included. */
const rollbackFigure = async (load: Load, url: string): Promise<Figure> => {
  await post(
    load,
    '/api/policy',
    [0, 1].map((seed) => ({ src: manyRules(seed).text })),
  )
  const samples: number[] = []
  for (let number = 0; number < ROLLBACKS; number += 1) {
    // The one in front of the newest, which becomes the newest: the other of the two each time.
    const version = String(FIRST_LARGE + number)
    const startMs = performance.now()
    const { stdout } = await run(process.execPath, [main, 'policy', 'rollback', version], {
      env: { ...process.env, OSO_URL: url, OSO_AUTH: developmentKey },
    })
    samples.push(performance.now() - startMs)
    assert(stdout.startsWith(`version ${version} is active again`), `it is rolled back, found ${stdout}`)
  }
  return {
    name: 'arctos policy rollback of 300 rules, the whole command p50',
    size: '',
    value: median(samples),
    unit: 'ms',
    bar: atMost(1000),
  }
}

const post = async (load: Load, path: string, bodies: readonly unknown[]): Promise<void> => {
  await load.run({ path, connections: 1, exchanges: bodies.map((body) => ({ body: JSON.stringify(body), answer: null })) })
}

/** One new fact each. */
const writes = (name: string, count: number): Exchange[] =>
  Array.from({ length: count }, (_, number) => {
    const args = [
      { type: 'User', id: `usr_${name}_${number}` },
      { type: 'String', id: 'reader' },
      { type: 'Repository', id: `repo_${name}` },
    ]
    return { body: JSON.stringify([{ inserts: [{ predicate: 'has_role', args }] }]), answer: null }
  })

/** What the disk itself takes: the floor of a durable write. */
const syncs = (directory: string): Samples => {
  const samples = new Samples()
  const file = openSync(join(directory, 'sync'), 'w')
  const bytes = Buffer.alloc(SYNC_BYTES, 1)
  for (let count = 0; count < WARM_UP; count += 1) {
    samples.time(() => {
      writeSync(file, bytes)
      fdatasyncSync(file)
    })
  }
  closeSync(file)
  return samples
}
