/** `import`: facts from a file in order, refusals by line, retries, and how it is resumed. */
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ImportError, importFacts, type Progress } from '../../runtime/cli/import-facts.ts'
import { factLines, LineError } from '../../runtime/cli/import-lines.ts'
import { barText, openProgress } from '../../runtime/cli/progress.ts'
import type { Fact } from '../../src/base/value.ts'
import { ClientError } from '../../src/client/transport.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { factsIn } from './support/bodies.ts'
import { basic } from './support/policies.ts'
import { arctos, get, post, startServer, temporaryDirectory } from './support/process.ts'

const role = (user: string, name = 'reader'): Fact => ({
  predicate: 'has_role',
  args: [
    { type: 'User', id: user },
    { type: 'String', id: name },
    { type: 'Repo', id: 'r' },
  ],
})

const textOf = (facts: readonly Fact[]): string => facts.map((fact) => `${JSON.stringify(fact)}\n`).join('')

const chunksOf = async function* (text: string | Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

const linesOf = async (text: string | Uint8Array, from = 1, size?: number): Promise<{ line: number; id: string; bytes: number }[]> => {
  const found: { line: number; id: string; bytes: number }[] = []
  for await (const { line, fact, bytes } of factLines(chunksOf(text, size), from)) found.push({ line, id: fact.args[0]?.id ?? '', bytes })
  return found
}

describe('lines', () => {
  test('numbers, blank lines, both ends of line, the last one without an end', async () => {
    const text = `\uFEFF${textOf([role('a')])}\n \r\n${JSON.stringify(role('b'))}\r\n${JSON.stringify(role('é'))}`
    expect((await linesOf(text)).map(({ line, id }) => `${line} ${id}`)).toEqual(['1 a', '4 b', '5 é'])
    expect((await linesOf(text, 4)).map(({ line, id }) => `${line} ${id}`)).toEqual(['4 b', '5 é'])
    expect((await linesOf(text)).at(-1)?.bytes).toBe(Buffer.byteLength(text))
  })

  test('however the bytes arrive', async () => {
    const text = textOf(['a', 'é', '😀', 'd'].map((user) => role(user)))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), async (size) => {
        expect(await linesOf(text, 1, size)).toEqual(await linesOf(text))
      }),
    )
  })

  test.each([
    ['no JSON', '{', /it is no JSON/],
    ['no object', '[]', /object/],
    ['no predicate', '{"args": []}', /predicate/],
    ['a wildcard', '{"predicate": "p", "args": [{"type": "User", "id": null}]}', /argument 1 needs a `type` and an `id`/],
    ['too long', `"${'x'.repeat(1024 * 1024)}"`, /longer than 1048576 bytes/],
  ])('%s', async (_, line, message) => {
    const failure = await linesOf(`${textOf([role('a')])}${line}\n`).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(LineError)
    expect(failure).toMatchObject({ line: 2, message: expect.stringMatching(message) })
  })

  test('bytes that are no text', async () => {
    await expect(linesOf(Buffer.from([0x22, 0xff, 0x22]))).rejects.toMatchObject({ line: 1, message: 'it is not UTF-8 text' })
  })
})

interface Run {
  readonly writes: string[][]
  readonly pauses: number[]
  readonly committed: Progress[]
  readonly result: Promise<Progress>
}

/** An import against a server that answers as `refuse` says. */
const run = (text: string, refuse: (ids: readonly string[], write: number) => ClientError | null = () => null): Run => {
  const state = { writes: [] as string[][], pauses: [] as number[], committed: [] as Progress[] }
  let count = 0
  const result = importFacts({
    lines: factLines(chunksOf(text), 1),
    insert: async (facts) => {
      const ids = facts.map(({ args }) => args[0]?.id ?? '')
      count += 1
      const refusal = refuse(ids, count)
      if (refusal !== null) throw refusal
      state.writes.push(ids)
    },
    committed: (progress) => state.committed.push(progress),
    pause: async (ms) => void state.pauses.push(ms),
  })
  return { ...state, result }
}

const users = (count: number): Fact[] => Array.from({ length: count }, (_, index) => role(`u${index + 1}`))
const failureOf = (started: Run): Promise<ImportError> =>
  started.result.then(
    () => Promise.reject(new Error('nothing was refused')),
    (error: unknown) => {
      if (error instanceof ImportError) return error
      throw error
    },
  )

describe('writes', () => {
  test('1,000 facts each, in order', async () => {
    const started = run(textOf(users(2500)))
    expect(await started.result).toMatchObject({ line: 2500, facts: 2500 })
    expect(started.writes.map((ids) => ids.length)).toEqual([1000, 1000, 500])
    expect(started.writes.flat()).toEqual(users(2500).map(({ args }) => args[0]?.id))
    expect(started.committed.map(({ line }) => line)).toEqual([1000, 2000, 2500])
  })

  test('a refused fact: everything before it is stored, nothing behind it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2500 }), async (bad) => {
        const started = run(textOf(users(2500)), (ids) => (ids.includes(`u${bad}`) ? new ClientError(400, 'no such role', null) : null))
        expect(await failureOf(started)).toMatchObject({ line: bad, message: 'no such role', progress: { line: bad - 1, facts: bad - 1 } })
        expect(started.writes.flat()).toEqual(users(bad - 1).map(({ args }) => args[0]?.id))
      }),
      { numRuns: 30 },
    )
  })

  test('a write that is too large is halved', async () => {
    const started = run(textOf(users(1000)), (ids) => (ids.length > 300 ? new ClientError(413, 'too large', null) : null))
    expect(await started.result).toMatchObject({ line: 1000 })
    expect(started.writes.map((ids) => ids.length)).toEqual([250, 250, 250, 250])
  })

  test('a line that is no fact: what stands before it is stored', async () => {
    const started = run(`${textOf(users(3))}{\n${textOf(users(2))}`)
    expect(await failureOf(started)).toMatchObject({ line: 4, progress: { line: 3, facts: 3 } })
    expect(started.writes).toEqual([['u1', 'u2', 'u3']])
  })

  test('what may pass is tried again, after as long as the server asks', async () => {
    const answers = [
      new ClientError(429, 'slow down', null, { retryAfterSeconds: 3 }),
      new ClientError(503, 'busy', null, { retryAfterSeconds: 600 }),
      new ClientError(503, 'busy', null),
      new ClientError(0, 'unreachable', null),
    ]
    const started = run(textOf(users(2)), (_, write) => answers[write - 1] ?? null)
    expect(await started.result).toMatchObject({ line: 2 })
    expect(started.pauses).toEqual([3000, 30_000, 2000, 4000])
  })

  test('but not for ever, and what is final is not', async () => {
    const busy = run(textOf(users(2)), () => new ClientError(503, 'busy', null))
    expect(await failureOf(busy)).toMatchObject({ line: null, message: 'busy', progress: { line: 0 } })
    expect(busy.pauses).toHaveLength(7)
    const denied = run(textOf(users(2)), () => new ClientError(401, 'unknown key', null))
    expect(await failureOf(denied)).toMatchObject({ line: null, message: 'unknown key' })
    expect(denied.pauses).toEqual([])
  })
})

describe('progress', () => {
  const progress = { line: 1300, facts: 1200, bytes: 50 }

  test('a bar that fits the terminal', () => {
    expect(barText(progress, { sizeBytes: 100, elapsedMs: 2000, columns: 80 })).toBe(
      '[###############---------------]  50%  1,200 facts, line 1,300, 600/s',
    )
    expect(barText(progress, { sizeBytes: null, elapsedMs: 2000, columns: 80 })).toBe('1,200 facts, line 1,300, 600/s')
    for (let columns = 1; columns < 100; columns += 1)
      expect(barText(progress, { sizeBytes: 100, elapsedMs: 1, columns }).length).toBeLessThan(columns)
  })

  test('a bar on a terminal, taken away at the end; lines elsewhere, not too many', () => {
    const shown = (isTTY: boolean): string => {
      let text = ''
      let now = 0
      const output = openProgress(100, { isTTY, columns: 80, write: (part) => (text += part) }, () => (now += 500))
      for (let line = 1; line <= 5; line += 1) output.show({ line, facts: line, bytes: line })
      output.note('busy')
      output.end()
      return text
    }
    expect(shown(true).match(/\r\[/g)).toHaveLength(5)
    expect(shown(true).endsWith('\r\u001B[Kbusy\n')).toBe(true)
    expect(shown(false)).toBe('committed line 1, 1 facts\ncommitted line 5, 5 facts\nbusy\n')
  })
})

interface Piped {
  write(text: string): void
  /** Sends a signal, or ends the input, and waits for the end of the process. */
  end(signal?: NodeJS.Signals): Promise<Ended>
  /** Resolves when what it says beside its result matches. */
  says(wanted: RegExp): Promise<void>
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** `import -`, killed with the test. */
const importPiped = (more: readonly string[], settings: Readonly<Record<string, string>>): Piped => {
  const main = fileURLToPath(new URL('../../runtime/cli/main.ts', import.meta.url))
  const args = [main, 'import', '-', ...more]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...settings } })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => void (text.out += String(chunk)))
  child.stderr.on('data', (chunk) => void (text.err += String(chunk)))
  const closed = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await closed
  })
  return {
    write: (part) => void child.stdin.write(part),
    async end(signal) {
      if (signal === undefined) child.stdin.end()
      else child.kill(signal)
      return { code: await closed, ...text }
    },
    says: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (wanted.test(text.err)) resolve()
        }
        child.stderr.on('data', look)
        void closed.then((code) => reject(new Error(`it ended with ${code}: ${text.out}${text.err}`)))
        look()
      }),
  }
}

test('interrupted in the middle, it says up to where, and from there nothing is lost or repeated', { timeout: 120_000 }, async () => {
  const server = await startServer()
  const settings = { OSO_URL: server.url, OSO_AUTH: developmentKey }
  expect((await post(server, '/api/policy', { src: basic })).status).toBe(200)
  const all = users(2500)
  const stored = async () => inOrder(factsIn((await get(server, '/api/facts')).body))

  // Its input does not end: the last 500 lines wait for more, and the write before them may be under way.
  const first = importPiped([], settings)
  first.write(textOf(all))
  await first.says(/^committed line 1000, 1000 facts\n/)
  const { code, out, err } = await first.end('SIGINT')
  expect({ code, out }).toEqual({ code: 1, out: '' })
  const [, committed, next] = /\ninterrupted; last committed line (1000|2000): go on with --from-line (1001|2001)\n$/.exec(err) ?? []
  expect({ err, next: Number(next) }).toEqual({ err, next: Number(committed) + 1 })
  const before = await stored()
  expect([Number(committed), Number(committed) + 1000]).toContain(before.length)
  expect(before).toEqual(inOrder(all.slice(0, before.length)))

  const second = importPiped(['--from-line', String(next)], settings)
  second.write(textOf(all))
  expect(await second.end()).toMatchObject({ code: 0, out: `imported ${2500 - Number(committed)} facts, last committed line 2500\n` })
  expect(await stored()).toEqual(inOrder(all))
})

test('interrupted before anything was committed, it begins at the same line again', { timeout: 60_000 }, async () => {
  const server = await startServer()
  await server.end('SIGKILL')
  const started = importPiped(['--from-line', '3'], { OSO_URL: server.url, OSO_AUTH: developmentKey })
  started.write(textOf(users(1002)))
  await started.says(/; next try in [0-9]+ ms\n/)
  const { code, err } = await started.end('SIGINT')
  expect({ code, end: err.split('\n').at(-2) }).toEqual({ code: 1, end: 'interrupted; nothing was committed: go on with --from-line 3' })
})

const inOrder = (facts: readonly unknown[]): string[] => facts.map((fact) => JSON.stringify(fact)).toSorted()

test('a file, its bad line mended, and standard input', { timeout: 60_000 }, async () => {
  const server = await startServer()
  const environment = { OSO_URL: server.url }
  const withKey = { ...environment, OSO_AUTH: developmentKey }
  expect((await post(server, '/api/policy', { src: basic })).status).toBe(200)
  const file = join(await temporaryDirectory(), 'facts.ndjson')
  const facts = [...users(1200), role('bad', 'reeder'), ...users(1300).slice(1200)]
  await writeFile(file, textOf(facts))
  const first = await arctos(['import', file], withKey)
  expect(first).toMatchObject({ code: 1, out: '' })
  expect(first.err).toMatch(/line 1201: .*reeder.*; last committed line 1200: go on with --from-line 1201\n$/)
  expect((await get(server, '/api/stats')).body).toMatchObject({ facts: { total: 1200 } })
  await writeFile(file, textOf(facts.map((fact) => (fact.args[0]?.id === 'bad' ? role('good') : fact))))
  const second = await arctos(['import', file, '--from-line', '1201'], withKey)
  expect(second).toMatchObject({ code: 0, out: 'imported 101 facts, last committed line 1301\n' })
  expect((await get(server, '/api/stats')).body).toMatchObject({ facts: { total: 1301 } })

  const piped = importPiped([], withKey)
  piped.write(textOf([role('piped')]))
  expect(await piped.end()).toMatchObject({ out: 'imported 1 fact, last committed line 1\n' })

  expect(await arctos(['import', file, '--from-line', '5000'], withKey)).toMatchObject({
    code: 0,
    out: 'nothing to import from line 5000 on\n',
  })
  expect(await arctos(['import', `${file}.none`], withKey)).toMatchObject({
    code: 1,
    err: expect.stringContaining('cannot be read: ENOENT'),
  })
  expect(await arctos(['import', file, '--from-line', 'x'], withKey)).toMatchObject({
    code: 1,
    err: expect.stringContaining('must be a whole number'),
  })
})
