/** `dev`: a policy that is checked, tested and loaded whenever it changes, into a server of its own or the one that runs. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { basic } from './support/policies.ts'
import { arctos, get, post, startServer, temporaryDirectory } from './support/process.ts'

const main = fileURLToPath(new URL('../../runtime/cli/main.ts', import.meta.url))

interface Dev {
  /** Resolves when what a stream has said since the last match matches. */
  says(stream: 'out' | 'err', wanted: RegExp): Promise<RegExpExecArray>
}

/** Started as someone would in a terminal; killed with the test. */
const dev = (args: readonly string[], settings: Readonly<Record<string, string>>): Dev => {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...settings }
  const child: ChildProcess = spawn(process.execPath, [main, 'dev', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  const waiting = new Set<() => void>()
  const listen = (stream: 'out' | 'err') => (chunk: unknown) => {
    said[stream] += String(chunk)
    for (const look of waiting) look()
  }
  child.stdout?.on('data', listen('out'))
  child.stderr?.on('data', listen('err'))
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await closed
  })
  const says: Dev['says'] = (stream, wanted) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = wanted.exec(said[stream])
        if (found === null) return
        said[stream] = said[stream].slice(found.index + found[0].length)
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      void closed.then(() => reject(new Error(`it ended: ${said.out}${said.err}`)))
      look()
    })
  return { says }
}

const passing = `${basic}\ntest "t" { setup { has_role(User{"a"}, "reader", Repo{"r"}); }\n  assert allow(User{"a"}, "read", Repo{"r"});\n}\n`

test('a server of its own, and every change of the files', { timeout: 120_000 }, async () => {
  const folder = await temporaryDirectory()
  const path = join(folder, 'main.polar')
  await writeFile(path, passing)
  const own = dev([path, '--watch', '--no-example'], { OSO_PORT: '0', OSO_DIRECTORY: join(folder, 'data') })
  const [, url = ''] = await own.says('out', /serves (http:\S+)\/api/)
  await own.says('out', /pass t \(1 of 1\)\nloaded: .*main\.polar, 1 test passed\n/)
  await own.says('out', /watching .*main\.polar\n/)
  const saved = async (): Promise<unknown> => (await get({ url }, '/api/policy')).body.policy

  // Mistakes are shown where they are, and the policy before them stays.
  await writeFile(path, passing.replace('"read" if "reader"', '"read" if "reder"'))
  await own.says('err', /main\.polar:\d+:\d+: error\[[\w-]+\]: .*reder.*\n +\d+ \| +"read" if "reder";\n +\| +\^+\n/)
  await own.says('err', /not loaded: 1 error\n/)
  expect(await saved()).toMatchObject({ src: passing })

  await writeFile(path, passing.replace('allow(User{"a"}, "read"', 'allow(User{"a"}, "write"'))
  await own.says('out', /FAIL t \(0 of 1\)\n/)
  await own.says('err', /not loaded: policy tests failed\n/)
  expect(await saved()).toMatchObject({ src: passing })

  // As editors save: a new file in the place of the old one, more than once.
  for (const comment of ['# one\n', '# two\n']) {
    await writeFile(join(folder, 'draft'), `${passing}${comment}`)
    await rename(join(folder, 'draft'), path)
    await own.says('out', /loaded: .*, 1 test passed\n/)
    expect(await saved()).toMatchObject({ src: `${passing}${comment}` })
  }
})

test('several files: each change of any of them, and mistakes where they are in it', { timeout: 120_000 }, async () => {
  const folder = await temporaryDirectory()
  const paths = [join(folder, 'main.polar'), join(folder, 'more', 'box.polar')] as const
  const [, second] = paths
  const box = (rule: string): string => `\nresource Box {\n  roles = ["holder"];\n  permissions = ["peek", "move"];\n  ${rule}\n}\n`
  const save = async (rule: string, more = ''): Promise<void> => {
    await writeFile(join(folder, 'draft'), `${box(rule)}${more}`)
    await rename(join(folder, 'draft'), second)
  }
  await mkdir(join(folder, 'more'))
  await writeFile(paths[0], passing)
  await save('"peek" if "holder";')
  const own = dev([...paths, '--watch', '--no-example'], { OSO_PORT: '0', OSO_DIRECTORY: join(folder, 'data') })
  const [, url = ''] = await own.says('out', /serves (http:\S+)\/api/)
  await own.says('out', /loaded: .*main\.polar, .*box\.polar, 1 test passed\n/)
  await own.says('out', /watching .*main\.polar, .*box\.polar\n/)
  const holderMay = async (action: string): Promise<boolean> => {
    const question = { actor_type: 'User', actor_id: 'ana', action, resource_type: 'Box', resource_id: 'b' }
    const args = Object.entries({ User: 'ana', String: 'holder', Box: 'b' }).map(([type, id]) => ({ type, id }))
    return (await post({ url }, '/api/authorize', { ...question, context_facts: [{ predicate: 'has_role', args }] })).body.allowed
  }
  expect([await holderMay('peek'), await holderMay('move')]).toEqual([true, false])

  await save('"peek" if "hoder";')
  await own.says('err', /box\.polar:5:\d+: error\[[\w-]+\]: .*hoder.*\n +5 \| +"peek" if "hoder";\n +\| +\^+\n/)
  await own.says('err', /not loaded: 1 error\n/)
  expect([await holderMay('peek'), await holderMay('move')]).toEqual([true, false])

  await save('"peek" if "holder";', 'test "box" {\n  assert allow(User{"a"}, "peek", Box{"b"});\n}\n')
  await own.says('err', /box\.polar:8:\d+: assertion failed: [^]*\n +8 \| +assert allow[^]*not loaded: policy tests failed\n/)

  await save('"move" if "holder";')
  await own.says('out', /loaded: .*main\.polar, .*box\.polar, 1 test passed\n/)
  expect([await holderMay('peek'), await holderMay('move')]).toEqual([false, true])

  // The first one is still watched, and its mistakes are its own.
  await writeFile(paths[0], passing.replace('"read" if "reader"', '"read" if "reder"'))
  await own.says('err', /main\.polar:\d+:\d+: error\[[\w-]+\]: .*reder/)
})

test('the server that runs', { timeout: 120_000 }, async () => {
  const server = await startServer()
  const path = join(await temporaryDirectory(), 'main.polar')
  await writeFile(path, passing)
  const settings = { OSO_PORT: new URL(server.url).port }
  const loaded = await arctos(['dev', path], settings)
  expect(loaded).toEqual({ code: 0, out: `using the server at ${server.url}\npass t (1 of 1)\nloaded: ${path}, 1 test passed\n`, err: '' })
  expect((await get(server, '/api/policy')).body).toMatchObject({ policy: { src: passing } })
  await writeFile(path, 'actor User {')
  expect(await arctos(['dev', path], settings)).toMatchObject({ code: 1, err: expect.stringMatching(/\^\n[^]*not loaded: 1 error\n$/) })
  expect(await arctos(['dev', `${path}.none`], settings)).toMatchObject({ code: 1, err: expect.stringContaining('cannot be read') })
})

test('what is no development server', { timeout: 60_000 }, async () => {
  const other = createServer((_, response) => void response.writeHead(404).end('{"message":"nothing here"}'))
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const path = join(await temporaryDirectory(), 'main.polar')
  await writeFile(path, passing)
  const refused = await arctos(['dev', path], { OSO_PORT: String(port) })
  expect(refused).toMatchObject({
    code: 1,
    err: expect.stringContaining('is no development server of Arctos: nothing here; choose another port'),
  })
  expect(await arctos(['dev', path, '--mode', 'production'])).toMatchObject({ code: 1, err: expect.stringContaining('development mode') })
})
