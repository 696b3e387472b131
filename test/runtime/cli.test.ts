/** The command line, as a process of its own. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseFactText, parsePattern } from '../../runtime/cli/arguments.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { basic } from './support/policies.ts'
import { arctos, startServer, temporaryDirectory } from './support/process.ts'

const broken = 'actor User {}\nresource Repo {\n  roles = ["reader"];\n  permissions = ["read"];\n  "read" if "reder";\n}\n'

const written = async (text: string, name = 'main.polar') => {
  const path = join(await temporaryDirectory(), name)
  await writeFile(path, text)
  return path
}

test('a session', { timeout: 120_000 }, async () => {
  const server = await startServer()
  const run = async (...args: readonly string[]) => {
    const { code, out, err } = await arctos(args, { OSO_URL: server.url, OSO_AUTH: developmentKey })
    return { code, out: out.trimEnd(), err: err.trimEnd() }
  }
  const policy = await written(basic)
  expect(await run('policy', policy)).toEqual({ code: 0, out: 'the policy is saved', err: '' })
  expect((await run('policy', '-f', policy)).out).toContain('unchanged')
  const fact = 'has_role(User:ana, String:writer, Repo:r1)'
  expect(await run('tell', 'has_role', 'User:ana', 'writer', 'Repo:r1')).toEqual({ code: 0, out: `inserted ${fact}`, err: '' })
  await run('tell', 'has_role', 'User:"ana b"', '"member"', 'Org:o1')
  await run('tell', 'has_relation', 'Repo:r2', 'String:org', 'Org:o1')
  expect((await run('get')).out).toBe(`has_relation(Repo:r2, String:org, Org:o1)\n${fact}\nhas_role(User:ana b, String:member, Org:o1)`)
  expect((await run('get', 'has_role', '_', '_', 'Repo:_')).out).toBe(fact)
  expect((await run('get', '_', 'User:ana')).out).toBe(fact)
  expect((await run('inspect', 'Org:o1')).out.split('\n')).toHaveLength(2)
  expect(await run('authorize', 'User:ana', 'read', 'Repo:r1')).toEqual({ code: 0, out: 'Allowed', err: '' })
  expect((await run('authorize', 'User:ana', 'String:read', 'Repo:r1')).out).toBe('Allowed')
  expect((await run('authorize', 'User:bob', 'read', 'Repo:r1')).out).toBe('Denied')
  expect(
    (
      await run(
        'authorize',
        'User:bob',
        'read',
        'Repo:r1',
        '-c',
        'has_role User:bob member Org:o1',
        '-c',
        'has_relation Repo:r1 org Org:o1',
      )
    ).out,
  ).toBe('Allowed')
  expect((await run('authorize', 'User:bob', 'configure')).out).toBe('Denied')
  expect((await run('authorize-resources', 'User:ana', 'read', 'Repo:r2', 'Repo:r1')).out).toBe('Repo:r1')
  expect((await run('list', 'User:ana b', 'read', 'Repo')).out).toBe('r2')
  expect((await run('actions', 'User:ana', 'Repo:r1')).out).toBe('read\nwrite')
  expect((await run('query', 'has_role', 'User:ana', '_', 'Repo:_')).out).toBe(`has_role(User:ana, String:reader, Repo:r1)\n${fact}`)
  expect((await run('delete', 'has_role', 'User:ana', '_', '_')).code).toBe(0)
  expect((await run('get', 'has_role', 'User:ana')).out).toBe('')

  const refused = await run('tell', 'has_role', 'User:ana', 'keper', 'Repo:r1')
  expect(refused).toEqual({ code: 1, out: '', err: expect.stringContaining('has_role(User, "keper", Repo) is not used in policy') })
  const bad = await run('policy', await written(broken))
  expect(bad.code).toBe(1)
  expect(bad.err).toMatch(/main\.polar:5:[0-9]+: .*reder.*\n {2}5 \| {3}"read" if "reder";\n {4}\| +\^/)
  expect(bad.err).not.toContain('    at ')

  const tests = `${basic}\ntest "t" { setup { has_role(User{"a"}, "reader", Repo{"r"}); }\n  assert allow(User{"a"}, "read", Repo{"r"});\n  assert allow(User{"a"}, "write", Repo{"r"});\n}`
  const failed = await run('test', await written(tests))
  expect(failed).toEqual({
    code: 1,
    out: 'FAIL t (1 of 2)',
    err: expect.stringMatching(/assertion failed.*\n.*assert allow\(User\{"a"\}, "write".*\n.*\^[^]*policy tests failed/),
  })
  expect(await run('test', await written(tests.replace('assert allow(User{"a"}, "write"', 'assert_not allow(User{"a"}, "write"')))).toEqual(
    {
      code: 0,
      out: 'pass t (2 of 2)\n1 test passed',
      err: '',
    },
  )
  expect((await run('policy', '--force', await written(tests))).code).toBe(0)

  expect((await run('clear')).code).toBe(1)
  expect((await run('clear', '--confirm')).code).toBe(0)
  expect((await run('get')).out).toBe('')
})

describe('validate works offline', () => {
  test('good, with warnings, bad', async () => {
    expect(await arctos(['validate', await written(basic)])).toEqual({
      code: 0,
      out: expect.stringContaining('the policy is valid'),
      err: '',
    })
    const { code, err } = await arctos(['validate', await written(broken)])
    expect(code).toBe(1)
    expect(err).toMatch(/main\.polar:5:[0-9]+: error.*\n {2}5 \| {3}"read" if "reder";\n {4}\| +\^+/)
    expect(err).toContain('hint: ')
  })

  test('several files are one policy, with positions in each', async () => {
    const first = await written('actor User {}\n', 'one.polar')
    const second = await written('resource Repo { roles = ["a"]; "a" if "b"; }\n', 'two.polar')
    const { code, err } = await arctos(['validate', first, second])
    expect({ code, place: err.includes('two.polar:1:') }).toEqual({ code: 1, place: true })
  })

  test('files that cannot be read or are no text', async () => {
    expect((await arctos(['validate', '/nowhere/x.polar'])).err).toContain('cannot be read')
    const path = join(await temporaryDirectory(), 'x.polar')
    await writeFile(path, new Uint8Array([0xff, 0xfe, 0x41]))
    expect((await arctos(['validate', path])).err).toContain('invalid byte')
  })
})

test('the help shows no default of options that may repeat', async () => {
  for (const command of ['policy', 'authorize', 'authorize-resources', 'list', 'actions', 'query']) {
    const { code, out } = await arctos([command, '--help'])
    expect({ command, code, repeats: out.includes('may repeat'), default: out.includes('default') }).toEqual({
      command,
      code: 0,
      repeats: true,
      default: false,
    })
  }
})

test('version has four words', async () => {
  const { code, out } = await arctos(['version'])
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^version: [0-9]+\.[0-9]+\.[0-9]+ sha: \S+\n$/) })
})

test('config masks secrets and tells where values come from', async () => {
  const { out } = await arctos(['config', '--port', '99', '--no-example'], { ARCTOS_SECRET: 'hush', ARCTOS_MODE: 'production' })
  expect(out).not.toContain('hush')
  expect(out).toMatch(/^OSO_PORT=99 {2}# flag/m)
  expect(out).toMatch(/^ARCTOS_SECRET=\*+ {2}# environment/m)
  expect(out).toMatch(/^ARCTOS_EXAMPLE=false {2}# flag/m)
  expect(out).toMatch(/^ARCTOS_HOST=127\.0\.0\.1 {2}# default/m)
})

test('mistakes are told in one line, with exit code 1', async () => {
  const cases: (readonly [readonly string[], Readonly<Record<string, string>>, string])[] = [
    [['authorize', 'User:a', 'read', 'Repo:b'], { OSO_URL: 'http://127.0.0.1:9', OSO_AUTH: 'x' }, 'cannot be reached'],
    [['get'], { OSO_URL: 'http://127.0.0.1:9' }, 'OSO_AUTH is not set'],
    [['tell', 'p', '_'], { OSO_URL: 'http://127.0.0.1:9', OSO_AUTH: 'x' }, 'is a wildcard'],
    [['list', 'User:_', 'read', 'Repo'], { OSO_URL: 'http://127.0.0.1:9', OSO_AUTH: 'x' }, 'is a wildcard'],
    [['key', 'generate', 'not_good'], {}, 'no environment id'],
    [['policy'], {}, 'at least one policy file'],
    [['nonsense'], {}, 'unknown command'],
  ]
  for (const [args, environment, message] of cases) {
    const { code, err } = await arctos(args, environment)
    expect({ args, code, err }).toEqual({ args, code: 1, err: expect.stringContaining(message) })
    expect(err).not.toContain('    at ')
  }
})

test('arguments', () => {
  expect(parsePattern('User:ana')).toEqual({ type: 'User', id: 'ana' })
  expect(parsePattern('User:a:b')).toEqual({ type: 'User', id: 'a:b' })
  expect(parsePattern('User:_')).toEqual({ type: 'User', id: null })
  expect(parsePattern('_')).toEqual({ type: null, id: null })
  expect(parsePattern('member')).toEqual({ type: 'String', id: 'member' })
  expect(parsePattern('"a:b"')).toEqual({ type: 'String', id: 'a:b' })
  expect(parsePattern('User:"_"')).toEqual({ type: 'User', id: '_' })
  expect(parseFactText('has_role User:"ana b" "a member" Org:o')).toEqual({
    predicate: 'has_role',
    args: [
      { type: 'User', id: 'ana b' },
      { type: 'String', id: 'a member' },
      { type: 'Org', id: 'o' },
    ],
  })
})
