/** The package as someone installs it: packed, installed in an empty folder, served by its command, asked by its client. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { makeDirectory, removeDirectory } from '../support/directory.ts'
import { basic } from './support/policies.ts'
import { temporaryDirectory } from './support/process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const INSTALL_MS = 240_000

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** No setting of this project, no path to its packages. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:npm_(?!config_)|ARCTOS_|OSO_|NODE_OPTIONS|NODE_PATH|VITEST|INIT_CWD)/.test(name)),
)
const path = known(process.env['PATH'], 'a path').split(':')
environment['PATH'] = path.filter((folder) => !folder.includes('node_modules')).join(':')

const start = (command: string, args: readonly string[], folder: string, more: Readonly<Record<string, string>> = {}): ChildProcess =>
  spawn(command, args, { cwd: folder, env: { ...environment, ...more }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })

const ended = async (child: ChildProcess): Promise<Ended> => {
  const text = collected(child)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', reject)
  })
  return { code, ...text }
}

const collected = (child: ChildProcess): { out: string; err: string } => {
  const text = { out: '', err: '' }
  child.stdout?.on('data', (chunk) => void (text.out += String(chunk)))
  child.stderr?.on('data', (chunk) => void (text.err += String(chunk)))
  return text
}

const run = async (command: string, args: readonly string[], folder: string, more?: Readonly<Record<string, string>>): Promise<string> => {
  const { code, out, err } = await ended(start(command, args, folder, more))
  if (code !== 0) throw new Error(`\`${command} ${args.join(' ')}\` ended with ${code}:\n${out}\n${err}`)
  return out
}

/** Why there is nothing to test on a machine without a package registry; in CI that is a failure like any other. */
const missingRegistry = async (install: Promise<unknown>): Promise<string | null> => {
  try {
    await install
    return null
  } catch (error) {
    const unreachable = error instanceof Error && /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH)\b/.test(error.message)
    if (!unreachable || process.env['CI'] === 'true') throw error
    const reason = 'SKIPPED: no package registry is reachable, so nothing can be installed'
    process.stderr.write(`${reason}\n`)
    return reason
  }
}

describe('packed install', () => {
  const folder = makeDirectory()
  let files: readonly string[] = []
  let missing: string | null = null

  beforeAll(async () => {
    // Packs what `prepack` builds with the Node of this process.
    const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], root, { PATH: known(process.env['PATH'], 'a path') })
    const [entry] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as { filename: string; files: { path: string }[] }[]
    files = known(entry, 'what was packed').files.map((file) => file.path)
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, known(entry, 'what was packed').filename)]
    missing = await missingRegistry(run('npm', install, folder))
  }, INSTALL_MS)

  afterAll(() => removeDirectory(folder))

  test('holds bundles, wasm files and types, and no sources', () => {
    const unexpected = files.filter(
      (file) => !/^(?:package\.json|README\.md|LICENSE|bin\/arctos\.js|dist\/.+\.(?:js|wasm|d\.ts))$/.test(file),
    )
    expect(unexpected).toEqual([])
    for (const file of ['arctos.js', 'client.js', 'replicator-worker.js', 'sqlite3.wasm', 'trampoline.wasm', 'types/client/index.d.ts'])
      expect(files).toContain(`dist/${file}`)
  })

  test('the command serves, and the client of the package asks', { timeout: 120_000 }, async ({ skip }) => {
    skip(missing !== null, missing ?? '')
    const data = await temporaryDirectory()
    const server = start('npx', ['--no-install', 'arctos', 'serve', '--no-example'], folder, { OSO_PORT: '0', OSO_DIRECTORY: data })
    const text = collected(server)
    const closed = new Promise<number | null>((resolve) => {
      server.once('close', resolve)
    })
    const end = (signal: NodeJS.Signals): Promise<number | null> => {
      // npx, its shell and the server: which of them pass a signal on depends on the shell.
      if (server.exitCode === null) process.kill(-known(server.pid, 'a process that runs'), signal)
      return closed
    }
    onTestFinished(async () => void (await end('SIGKILL')))
    const url = await new Promise<string>((resolve, reject) => {
      server.stdout?.on('data', () => {
        const found = /serves (http:\/\/\S+)\/api/.exec(text.out)?.[1]
        if (found !== undefined) resolve(found)
      })
      void closed.then((code) => reject(new Error(`the server ended with ${code}: ${text.out}${text.err}`)))
    })
    // Its own word for it: the package brings a Node of the version that it needs, whatever the machine has.
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(/^nodejs_version_info\{.*version="v([0-9]+)\./m.exec(metrics)?.[1]).toBe('24')
    await writeFile(join(folder, 'main.polar'), basic)
    await writeFile(join(folder, 'ask.ts'), script)
    expect(await run('npx', ['--no-install', 'arctos', 'policy', 'main.polar'], folder, { OSO_URL: url, OSO_AUTH: KEY })).toContain('saved')
    const answers = await run('npx', ['--no-install', 'node', 'ask.ts'], folder, { ASKED: url })
    expect(JSON.parse(answers)).toEqual({ ana: true, bob: false, status: 400 })
    await end('SIGTERM')
  })

  test('an older Node is refused, with what is needed and what was found', { timeout: 60_000 }, async ({ skip }) => {
    skip(missing !== null, missing ?? '')
    const { out: version } = await ended(start('node', ['--print', 'process.versions.node'], folder)).catch(() => ({ out: '' }))
    skip(version === '' || Number.parseInt(version, 10) >= 24, 'SKIPPED: this machine has no Node that is too old')
    const command = join(folder, 'node_modules/arctos/bin/arctos.js')
    for (const args of [['serve'], ['version'], []]) {
      const refusal = { code: 1, out: '', err: `arctos needs Node 24 or newer, found ${version}` }
      expect(await ended(start('node', [command, ...args], folder))).toEqual(refusal)
    }
  })

  test('its types are those of the client', { timeout: 60_000 }, async ({ skip }) => {
    skip(missing !== null, missing ?? '')
    await writeFile(join(folder, 'ask.ts'), script)
    await writeFile(join(folder, 'wrong.ts'), "import { ArctosClient } from 'arctos'\nnew ArctosClient({ url: 1, key: '' })\n")
    const compilerOptions = { strict: true, module: 'nodenext', target: 'es2024', noEmit: true, types: [], lib: ['es2024', 'webworker'] }
    const declared = 'declare const process: { env: Record<string, string>; stdout: { write(text: string): void } }\n'
    await writeFile(join(folder, 'process.d.ts'), declared)
    for (const [name, checked] of [
      ['right', ['ask.ts', 'process.d.ts']],
      ['wrong', ['wrong.ts']],
    ] as const)
      await writeFile(join(folder, `tsconfig.${name}.json`), JSON.stringify({ compilerOptions, files: checked }))
    const check = (name: string): Promise<Ended> => ended(start(`${root}node_modules/.bin/tsc`, ['-p', `tsconfig.${name}.json`], folder))
    expect(await check('right')).toMatchObject({ code: 0, out: '' })
    expect((await check('wrong')).out).toContain("wrong.ts(2,20): error TS2322: Type 'number' is not assignable to type 'string'.")
  })

  test('says its version', { timeout: 60_000 }, async ({ skip }) => {
    skip(missing !== null, missing ?? '')
    const { version } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as { version: string }
    expect(await run('npx', ['--no-install', 'arctos', 'version'], folder)).toBe(`version: ${version} sha: unknown\n`)
  })
})

const KEY = 'e_0123456789_12345_osotesttoken01xiIn'

const script = `import { ArctosClient, ClientError, type FactBody } from 'arctos'

const client = new ArctosClient({ url: process.env.ASKED ?? '', key: '${KEY}' })
const ana = { type: 'User', id: 'ana' }
const repo = { type: 'Repo', id: 'r1' }
const fact: FactBody = { predicate: 'has_role', args: [ana, { type: 'String', id: 'reader' }, repo] }
await client.insert(fact)
const status = await client.insert({ ...fact, predicate: 'has_rule' }).then(() => 0, (error: unknown) => (error instanceof ClientError ? error.status : 1))
const answers = { ana: await client.authorize(ana, 'read', repo), bob: await client.authorize({ ...ana, id: 'bob' }, 'read', repo), status }
process.stdout.write(JSON.stringify(answers))
`
