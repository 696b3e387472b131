/** The suite that `oso-cloud@1.6.1` ships, unmodified but for the addresses in it, against a real process. */
import { readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as vitest from 'vitest'
import { freePorts } from '../../scripts/servers/free-ports.ts'
import { startServer } from '../runtime/support/process.ts'

const require = createRequire(import.meta.url)
const suite = require.resolve('oso-cloud-1/dist/src/index.test.js')

/** Addresses as they are written there: of a server, and of one that is not there. */
const SERVER = 'http://localhost:8081'
const NOBODY = 'http://localhost:6000'

const [port = 0, unused = 0] = await freePorts(2)
let source = readFileSync(suite, 'utf8')
for (const [written, meant] of [
  [SERVER, `http://127.0.0.1:${port}`],
  [NOBODY, `http://127.0.0.1:${unused}`],
] as const) {
  if (!source.includes(written)) throw new Error(`\`${written}\` is not in the suite any more`)
  source = source.replaceAll(written, meant)
}

const server = await startServer({ settings: { OSO_PORT: String(port) }, keep: true })
vitest.afterAll(async () => {
  await server.end('SIGKILL')
  rmSync(server.directory, { recursive: true, force: true })
})

/** How many tests the pinned suite has. */
const TESTS = 31
let registered = 0
let passed = 0

/** Expectations of the running test that it may not have waited for. */
const expectations: Promise<unknown>[] = []

/** The suite leaves one promise of an expectation alone: here the test waits for it. */
const expectation = (actual: unknown): unknown =>
  new Proxy(vitest.expect(actual), {
    get: (target, key): unknown => (key === 'rejects' ? rejects(actual) : Reflect.get(target, key, target)),
  })
const expect = Object.assign(expectation, {
  arrayContaining: (items: unknown[]): unknown => vitest.expect.arrayContaining(items),
})

const rejects = (actual: unknown) => ({
  toThrow: async (message: string): Promise<void> => vitest.expect(actual).rejects.toThrow(message),
  toBeInstanceOf(expected: unknown): void {
    expectations.push(vitest.expect(actual).rejects.toBeInstanceOf(expected))
  },
})

const test = (name: string, body: () => Promise<void>): void => {
  registered += 1
  vitest.test(name, async () => {
    vitest.expect.hasAssertions()
    await body()
    await Promise.all(expectations.splice(0))
    passed += 1
  })
}

// It was made for another runner, whose names it takes from the global scope.
const { describe, beforeAll, beforeEach, afterAll, afterEach } = vitest
const names = { describe, test, expect, beforeAll, beforeEach, afterAll, afterEach }
// oxlint-disable-next-line typescript/no-implied-eval -- a file of a pinned package, with two addresses replaced
const load = new Function('require', 'exports', ...Object.keys(names), source) as (...values: readonly unknown[]) => void
load(createRequire(suite), {}, ...Object.values(names))

// The last one, as they run in the order of the file: a suite that registers less is not the one that is meant.
vitest.test('every test of the suite has run', () => {
  vitest.expect({ registered, passed }).toEqual({ registered: TESTS, passed: TESTS })
})
