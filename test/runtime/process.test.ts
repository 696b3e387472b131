/** The process as operators see it: start, refusals to start, restart, shutdown, sockets. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { exampleKey, exampleQuestions } from '../../runtime/example.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { connectTo } from './support/connection.ts'
import { asked } from './support/harness.ts'
import { basic } from './support/policies.ts'
import { arctos, get, post, type ServerProcess, startServer, temporaryDirectory } from './support/process.ts'
import { grantOf } from './support/roles.ts'

const ana = (repo: string) => asked(`User:ana read Repo:${repo}`)

describe('start', () => {
  test('prints what it serves, where, the key, and three curl lines that answer', async () => {
    const server = await startServer({ args: [] })
    const lines = server.text.out.split('\n')
    expect(lines[0]).toBe(`arctos serves ${server.url}/api, data in ${server.directory}`)
    expect(server.text.out).toContain(developmentKey)
    const curls = lines.filter((line) => line.startsWith('curl '))
    expect(curls).toHaveLength(3)
    for (const [index, { path, body, answer }] of exampleQuestions.entries()) {
      expect(curls[index]).toContain(`${server.url}${path}`)
      expect(curls[index]).toContain(`'${JSON.stringify(body)}'`)
      expect(JSON.stringify((await post(server, path, body, exampleKey)).body)).toBe(answer)
    }
    expect((await get(server, '/api/facts')).body).toEqual([])
  })

  test('the example is loaded once, and never with --no-example', async () => {
    const first = await startServer({ args: [] })
    await post(first, '/api/clear_data', undefined, exampleKey)
    await first.end()
    const second = await startServer({ args: [], directory: first.directory })
    expect((await get(second, '/api/facts', exampleKey)).body).toEqual([])
    expect((await get(second, '/api/policy', exampleKey)).body).toEqual({ policy: null })
    const without = await startServer()
    expect((await get(without, '/api/facts', exampleKey)).status).toBe(401)
    await without.end()
    const later = await startServer({ args: [], directory: without.directory })
    expect((await get(later, '/api/facts', exampleKey)).status).toBe(401)
  })

  test('http 99: the fixed token on the port of OSO_PORT', async () => {
    const probe = await startServer()
    const port = new URL(probe.url).port
    await probe.end()
    const server = await startServer({ settings: { OSO_PORT: port } })
    expect(new URL(server.url).port).toBe(port)
    expect((await post(server, '/api/authorize', ana('r1'), developmentKey)).body).toEqual({ allowed: false })
  })

  test('policy files as arguments', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'a.polar')
    await writeFile(file, basic)
    const server = await startServer({ args: ['--no-example', file] })
    expect((await get(server, '/api/policy')).body.policy.src).toBe(basic)
    await writeFile(file, 'nonsense')
    const { code, err } = await arctos(['serve', '--no-example', file], { OSO_PORT: '0', OSO_DIRECTORY: directory })
    expect({ code, caret: /nonsense\n.*\^/.test(err) }).toEqual({ code: 1, caret: true })
  })

  test('--watch-for-changes loads a changed file again', async () => {
    const directory = await temporaryDirectory()
    const file = join(directory, 'a.polar')
    await writeFile(file, basic)
    const server = await startServer({ args: ['--no-example', '--watch-for-changes', file] })
    await writeFile(file, 'nonsense')
    while (!/policy-refused.*\n/.test(server.text.err)) await delay(20)
    const line = logLines(server).find(({ msg }) => msg === 'policy-refused')
    expect(line).toMatchObject({ level: 50, message: expect.stringContaining('a.polar:1:9: ') })
    expect((await get(server, '/api/policy')).body.policy.src).toBe(basic)
    await writeFile(file, `${basic}# changed`)
    while ((await get(server, '/api/policy')).body.policy.src === basic) await delay(20)
    expect((await get(server, '/api/policy')).body.policy.src).toBe(`${basic}# changed`)
  })
})

describe('refusals to start: a clear message and exit code 1', () => {
  const refused = async (environment: Readonly<Record<string, string>>, args: readonly string[] = []) => {
    const { code, err, out } = await arctos(['serve', '--no-example', ...args], {
      OSO_PORT: '0',
      OSO_DIRECTORY: await temporaryDirectory(),
      ...environment,
    })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).not.toContain('    at ')
    return err
  }

  test('a busy port', async () => {
    const server = await startServer()
    expect(await refused({ OSO_PORT: new URL(server.url).port })).toContain('another process uses it')
  })

  test('a data directory that another process uses', async () => {
    const server = await startServer()
    expect(await refused({ OSO_DIRECTORY: server.directory })).toContain('in use by another process')
  })

  test('a data directory that cannot be written', async () => {
    const file = join(await temporaryDirectory(), 'file')
    await writeFile(file, '')
    expect(await refused({ OSO_DIRECTORY: join(file, 'data') })).toContain('cannot be written')
    const locked = join(await temporaryDirectory(), 'locked')
    await mkdir(locked)
    await chmod(locked, 0o500)
    // A superuser writes everywhere.
    if (process.getuid?.() !== 0) expect(await refused({ OSO_DIRECTORY: locked })).toContain('cannot be written')
  })

  test('a corrupted log', async () => {
    const server = await startServer()
    for (let index = 0; index < 20; index++) await post(server, '/api/policy', { src: `${basic}# ${index}` })
    await server.end()
    const path = join(server.directory, 'log.sqlite')
    const bytes = await readFile(path)
    const at = bytes.indexOf('# 7')
    expect(at).toBeGreaterThan(0)
    bytes[at + 2] = 0x38
    await writeFile(path, bytes)
    expect(await refused({ OSO_DIRECTORY: server.directory })).toMatch(/log\.sqlite.*(damaged|corrupted|checksum)/s)
  })

  test('unknown settings and options, impossible values', async () => {
    expect(await refused({ ARCTOS_PROT: '1' })).toContain('unknown setting `ARCTOS_PROT`')
    expect(await refused({ ARCTOS_MODE: 'prod' })).toContain('ARCTOS_MODE must be `development` or `production`, found `prod`')
    expect(await refused({ OSO_PORT: '99999' })).toContain('OSO_PORT must be an integer from 0 to 65535')
    expect(await refused({}, ['--prot', '1'])).toContain('unknown option')
  })

  test('production without keys', async () => {
    expect(await refused({ ARCTOS_MODE: 'production' })).toContain('arctos key generate')
    const empty = join(await temporaryDirectory(), 'keys')
    expect(await refused({ ARCTOS_MODE: 'production', ARCTOS_KEYS: empty })).toContain('cannot be read')
    await writeFile(empty, '# nothing\n')
    expect(await refused({ ARCTOS_MODE: 'production', ARCTOS_KEYS: empty })).toContain('holds no key')
    await writeFile(empty, 'e_a_b_secret\n')
    const message = await refused({ ARCTOS_MODE: 'production', ARCTOS_KEYS: empty })
    expect(message).toContain('line 1')
    expect(message).not.toContain('secret')
  })
})

test('production: configured keys only', async () => {
  const directory = await temporaryDirectory()
  const keys: string[] = []
  const lines: string[] = []
  for (const args of [['prod'], ['prod', '--read-only']]) {
    const { out } = await arctos(['key', 'generate', ...args])
    const [, key = '', line = ''] = /^key: +(\S+)\nhash: (.+)\n$/.exec(out) ?? []
    expect(line).toContain(createHash('sha256').update(key).digest('hex'))
    keys.push(key)
    lines.push(line)
  }
  await writeFile(join(directory, 'keys'), lines.join('\n'))
  const server = await startServer({ args: [], settings: { ARCTOS_MODE: 'production', ARCTOS_KEYS: join(directory, 'keys') } })
  const [full = '', readOnly = ''] = keys
  expect((await get(server, '/api/policy', developmentKey)).status).toBe(401)
  expect((await get(server, '/api/policy', exampleKey)).status).toBe(401)
  expect((await post(server, '/api/policy', { src: basic }, full)).status).toBe(200)
  expect((await post(server, '/api/batch', grantOf('r1'), readOnly)).status).toBe(403)
  expect((await post(server, '/api/batch', grantOf('r1'), full)).status).toBe(200)
  expect((await post(server, '/api/authorize', ana('r1'), readOnly)).body).toEqual({ allowed: true })
  await server.end()
  const everything = server.text.out + server.text.err
  for (const key of keys) expect(everything).not.toContain(key)
})

test('facts, policies and positions survive a restart', async () => {
  const first = await startServer()
  await post(first, '/api/policy', { src: basic, filename: 'a.polar' })
  const { headers } = await post(first, '/api/batch', grantOf('r1'))
  expect(await first.end()).toBe(0)
  const second = await startServer({ directory: first.directory })
  const { headers: after, body } = await post(second, '/api/authorize', ana('r1'))
  expect(body).toEqual({ allowed: true })
  expect(after.get('arctos-revision')).toBe(headers.get('osooffset'))
  expect((await get(second, '/api/policy')).body).toEqual({ policy: { filename: 'a.polar', src: basic } })
})

/** What a process wrote to standard error, every line of it. */
const logLines = (server: ServerProcess): Record<string, unknown>[] =>
  server.text.err
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('a promise that nobody waits for is a log line without its values, and the server goes on', async () => {
  const reject = "process.on('SIGUSR2', () => { Promise.reject(new Error('hus' + 'hed')) })"
  const server = await startServer({ settings: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(reject)}` } })
  server.child.kill('SIGUSR2')
  while (!/unhandled-rejection.*\n/.test(server.text.err)) await delay(20)
  expect((await get(server, '/livez')).status).toBe(200)
  expect(logLines(server)).toContainEqual(
    expect.objectContaining({ level: 50, msg: 'unhandled-rejection', name: 'Error', stack: expect.stringContaining('at process.') }),
  )
  expect(server.text.err).not.toContain('hushed')
})

test('while it starts, a process is alive, and 503 for every key until it is ready', async () => {
  const directory = await temporaryDirectory()
  // Every environment has a database of its own to open: that takes long enough to ask.
  const key = 'e_last_1_abcdefghijklmnop'
  const hash = createHash('sha256').update(key).digest('hex')
  const ids = [...Array.from({ length: 150 }, (_, index) => `env${index}`), 'last']
  await writeFile(join(directory, 'keys'), ids.map((id) => `e_${id}_1 read-write sha256:${hash}\n`).join(''))
  const probe = await startServer()
  const { port } = new URL(probe.url)
  await probe.end()
  const ready = startServer({ directory: join(directory, 'data'), settings: { OSO_PORT: port, ARCTOS_KEYS: join(directory, 'keys') } })
  const starting = { url: `http://127.0.0.1:${port}` }
  const tried = async () => get(starting, '/livez').catch(() => null)
  let first = await tried()
  while (first === null) {
    await delay(5)
    first = await tried()
  }
  expect(first.status).toBe(200)
  for (const [path, sent] of [
    ['/api/authorize', key],
    ['/api/authorize', 'e_last_1_nonsensenonsense'],
    ['/test_environment', key],
  ] as const) {
    const { status, headers } = await post(starting, path, ana('r1'), sent)
    expect({ path, status, retry: headers.get('retry-after') }).toEqual({ path, status: 503, retry: '1' })
  }
  for (const path of ['/readyz', '/api/healthcheck'])
    expect({ path, status: (await get(starting, path)).status }).toEqual({ path, status: 503 })
  const server = await ready
  expect((await get(server, '/readyz')).status).toBe(200)
  expect((await post(server, '/api/authorize', ana('r1'), key)).body).toEqual({ allowed: false })
  expect((await post(server, '/api/authorize', ana('r1'), 'e_last_1_nonsensenonsense')).status).toBe(401)
})

test('a signal to `npm start` ends the server', async () => {
  const directory = await temporaryDirectory()
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const child = spawn('npm', ['start'], {
    cwd: root,
    env: { ...process.env, OSO_PORT: '0', OSO_DIRECTORY: directory },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => void (text.out += String(chunk)))
  child.stderr.on('data', (chunk) => void (text.err += String(chunk)))
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  onTestFinished(async () => {
    try {
      // All of its group, if anything is left.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // Nothing is left.
    }
    await ended
  })
  const url = () => /serves (http:\/\/\S+)\/api/.exec(text.out)?.[1]
  while (url() === undefined && child.exitCode === null) await delay(20)
  const served = { url: url() ?? text.err }
  expect((await get(served, '/readyz')).status).toBe(200)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  await expect(get(served, '/livez')).rejects.toThrow('fetch failed')
})

test('shutdown answers the requests it has, and takes no more', async () => {
  const server = await startServer()
  await post(server, '/api/policy', { src: basic })
  const body = JSON.stringify(grantOf('r1'))
  const slow = connectTo(server)
  slow.socket.write(
    `POST /api/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${developmentKey}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
  )
  const idle = connectTo(server)
  idle.socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  await idle.until(() => idle.state.text.includes('alive'))
  const ended = server.end('SIGTERM')
  await idle.until(() => idle.state.closed)
  await expect(get(server, '/livez')).rejects.toThrow('fetch failed')
  slow.socket.write(body.slice(10))
  await slow.until(() => slow.state.closed)
  expect(slow.state.text).toMatch(/^HTTP\/1\.1 200 .*OsoOffset: /is)
  expect(await ended).toBe(0)
  const again = await startServer({ directory: server.directory })
  expect((await post(again, '/api/authorize', ana('r1'))).body).toEqual({ allowed: true })
})

/** What the server itself answers: a JSON message, a request id, and none of the headers of an environment. */
const expectRefusal = (text: string, message: unknown = expect.any(String)) => {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  expect(head).toMatch(/^X-Request-ID: [0-9a-f-]{36}$/im)
  expect(head).toMatch(/^Content-Type: application\/json$/im)
  expect(head).not.toMatch(/^arctos-/im)
  expect(JSON.parse(body)).toEqual({ message })
}

test('a body that nobody reads leaves the connection usable', async () => {
  const server = await startServer()
  const { state, socket, until } = connectTo(server)
  const head = `Host: x\r\nAuthorization: Bearer ${developmentKey}\r\n`
  socket.write(`POST /api/expect HTTP/1.1\r\n${head}Content-Length: 70000\r\n\r\n${'{'.repeat(70_000)}`)
  await until(() => state.text.includes('noted'))
  socket.write(`GET /livez HTTP/1.1\r\nExpect: wonders\r\n${head}\r\n`)
  await until(() => state.text.includes('"alive"'))
  expect(state.text.match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
  socket.destroy()
})

test('what is no HTTP gets an error body, and hurts nobody', async () => {
  const server = await startServer()
  for (const [text, status, message] of [
    ['nonsense\r\n\r\n', 400, 'the request is malformed'],
    ['GET /\0 HTTP/1.1\r\n\r\n', 400, 'the request is malformed'],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`, 431, 'the headers are too large'],
    ['GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'the request is malformed'],
    ['GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'the request is malformed'],
    ['GET /livez HTTP/1.1\r\n\r\n', 400, 'the `Host` header is missing'],
    ['CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n', 404, 'no such endpoint: this server is no proxy'],
  ] as const) {
    const { state, socket, until } = connectTo(server)
    socket.end(text)
    await until(() => state.closed)
    expect(state.text.slice(0, 13)).toBe(`HTTP/1.1 ${status} `)
    expectRefusal(state.text, message)
  }
  expect((await get(server, '/livez')).status).toBe(200)
})

test('http 16: connections are kept for 80 s, and a chunked body is read within its bound', async () => {
  const server = await startServer({ settings: { ARCTOS_MODE: 'development' } })
  const { state, socket, until } = connectTo(server)
  const head = `POST /api/authorize HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${developmentKey}\r\nTransfer-Encoding: chunked\r\n\r\n`
  const text = JSON.stringify(ana('r1'))
  socket.write(`${head}5\r\n${text.slice(0, 5)}\r\n${(text.length - 5).toString(16)}\r\n${text.slice(5)}\r\n0\r\n\r\n`)
  await until(() => state.text.includes('{"allowed":false}'))
  expect(state.text).toMatch(/\r\nKeep-Alive: timeout=80\r\n/i)
  state.text = ''
  const chunk = `${(65_536).toString(16)}\r\n${' '.repeat(65_536)}\r\n`
  socket.write(head)
  for (let size = 0; size <= 11 * 1024 * 1024; size += 65_536) socket.write(chunk)
  await until(() => state.text !== '')
  expect(state.text).toMatch(/^HTTP\/1\.1 413 /)
  socket.destroy()
})

test('a policy whose tests take too long is 400 Generic, and the next one is checked', async () => {
  const server = await startServer()
  const numbers = Array.from({ length: 100 }, (_, index) => `number(${index});`).join(' ')
  const slow = `
    cycle(a: Integer) if number(a) and number(b) and number(c) and number(d) and number(e) and number(f)
      and a < b and b < c and c < d and d < e and e < f and f < a;
    test "slow" { setup { ${numbers} } assert_not cycle(n: Integer); }`
  const { status, body } = await post(server, '/api/policy', { src: slow })
  expect({ status, type: body.error_type }).toEqual({ status: 400, type: 'Generic' })
  expect(body.message).toContain('4 s')
  expect((await post(server, '/api/policy', { src: basic })).status).toBe(200)
})

test('metrics name no environment, predicate or id', async () => {
  const server = await startServer()
  await post(server, '/api/policy', { src: basic })
  await post(server, '/api/batch', grantOf('secret-repository'))
  await post(server, '/api/authorize', ana('secret-repository'))
  const text = await (await fetch(`${server.url}/metrics`)).text()
  expect(text).toMatch(/arctos_http_request_duration_seconds_count\{route="\/api\/authorize",status="200"\} 1/)
  expect(text).toMatch(/^arctos_staleness_ms 0$/m)
  for (const name of ['0123456789', 'has_role', 'secret-repository', 'reader', 'User']) expect(text).not.toContain(name)
  expect(existsSync(join(server.directory, 'log.sqlite'))).toBe(true)
})

test('http 100: test environments end with the process', async () => {
  const server = await startServer()
  await post(server, '/api/policy', { src: basic })
  const { body } = await post(server, '/test_environment?copy=true')
  expect((await post(server, '/api/batch', grantOf('r1'), body.token)).status).toBe(200)
  expect((await post(server, '/api/authorize', ana('r1'), body.token)).body).toEqual({ allowed: true })
  expect((await post(server, '/api/authorize', ana('r1'))).body).toEqual({ allowed: false })
  await server.end()
  const again = await startServer({ directory: server.directory })
  expect((await post(again, '/api/authorize', ana('r1'), body.token)).status).toBe(401)
})

test('a request that arrives too slowly is ended, and a client that goes away is no error', async () => {
  const server = await startServer({ settings: { ARCTOS_REQUEST_TIMEOUT_MS: '300' } })
  const slow = connectTo(server)
  slow.socket.write('POST /api/authorize HTTP/1.1\r\nHost: x\r\n')
  await slow.until(() => slow.state.closed)
  expect(slow.state.text).toMatch(/^HTTP\/1\.1 408 /)
  expectRefusal(slow.state.text)
  const gone = connectTo(server)
  gone.socket.write(`POST /api/authorize HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${developmentKey}\r\nContent-Length: 100\r\n\r\n{"a`)
  await delay(50)
  gone.socket.destroy()
  expect((await get(server, '/livez')).status).toBe(200)
  await server.end()
  expect(server.text.err).not.toContain('"level":50')
})
