/** `fmt` and `generate-types`, as processes. */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { arctos, type Finished, temporaryDirectory } from './support/process.ts'

const main = fileURLToPath(new URL('../../runtime/cli/main.ts', import.meta.url))

const ugly = '# roles\nactor User{}\nresource Repo{roles=["reader"]; # one\n}\n'
const pretty = '# roles\nactor User {}\n\nresource Repo {\n  roles = ["reader"]; # one\n}\n'
const broken = 'actor User {}\n\nallow(x if ;\n'

const written = async (files: Readonly<Record<string, string>>): Promise<(name: string) => string> => {
  const folder = await temporaryDirectory()
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return (name) => join(folder, name)
}

const withInput = async (args: readonly string[], input: string): Promise<Finished> => {
  const child = spawn(process.execPath, [main, ...args], { stdio: 'pipe' })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => void (text.out += String(chunk)))
  child.stderr.on('data', (chunk) => void (text.err += String(chunk)))
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  return { code, ...text }
}

describe('fmt', () => {
  test('writes what changes, and says so', async () => {
    const at = await written({ 'ugly.polar': ugly, 'pretty.polar': pretty, 'marked.polar': `\uFEFF${pretty}` })
    const run = await arctos(['fmt', at('ugly.polar'), at('pretty.polar'), at('marked.polar')])
    expect(run).toEqual({ code: 0, out: `formatted ${at('ugly.polar')}\nformatted ${at('marked.polar')}\n`, err: '' })
    for (const name of ['ugly.polar', 'pretty.polar', 'marked.polar']) expect(await readFile(at(name), 'utf8')).toBe(pretty)
    expect(await arctos(['fmt', at('ugly.polar')])).toEqual({ code: 0, out: '', err: '' })
  })

  test('--check writes nothing', async () => {
    const at = await written({ 'ugly.polar': ugly, 'pretty.polar': pretty })
    const run = await arctos(['fmt', '--check', at('ugly.polar'), at('pretty.polar')])
    expect(run).toMatchObject({
      code: 1,
      out: `would format ${at('ugly.polar')}\n`,
      err: expect.stringContaining('1 of 2 files would change'),
    })
    expect(await readFile(at('ugly.polar'), 'utf8')).toBe(ugly)
    expect(await arctos(['fmt', '--check', at('pretty.polar')])).toEqual({ code: 0, out: '', err: '' })
  })

  test('a file that does not parse is left as it is, with its mistakes; the others are written', async () => {
    const at = await written({ 'broken.polar': broken, 'ugly.polar': ugly })
    const { code, out, err } = await arctos(['fmt', at('broken.polar'), at('ugly.polar')])
    expect({ code, out }).toEqual({ code: 1, out: `formatted ${at('ugly.polar')}\n` })
    expect(err).toMatch(/broken\.polar:3:9: error\[unexpected-token\].*\n {2}3 \| allow\(x if ;\n {4}\| {9}\^/)
    expect(err).toContain('1 of 2 files cannot be parsed')
    expect(await readFile(at('broken.polar'), 'utf8')).toBe(broken)
  })

  test('standard input', async () => {
    expect(await withInput(['fmt', '-'], ugly)).toEqual({ code: 0, out: pretty, err: '' })
    expect(await withInput(['fmt', '-'], pretty)).toEqual({ code: 0, out: pretty, err: '' })
    expect(await withInput(['fmt', '--check', '-'], ugly)).toMatchObject({ code: 1, out: 'would format standard input\n' })
    expect(await withInput(['fmt', '-'], broken)).toMatchObject({ code: 1, out: '' })
  })

  test('files that cannot be read', async () => {
    const at = await written({ 'latin.polar': 'x' })
    await writeFile(at('latin.polar'), Buffer.from([0x23, 0xe9, 0x0a]))
    expect(await arctos(['fmt', at('latin.polar')])).toMatchObject({ code: 1, err: expect.stringContaining('invalid byte `0xe9`') })
    expect(await arctos(['fmt', at('none.polar')])).toMatchObject({ code: 1, err: expect.stringContaining('cannot be read: ENOENT') })
  })
})

describe('generate-types', () => {
  test('types of several files', async () => {
    const at = await written({ 'a.polar': 'actor User {}\n', 'b.polar': 'resource Repo { roles = ["reader"]; }\n' })
    const { code, out, err } = await arctos(['generate-types', 'typescript', at('a.polar'), at('b.polar')])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('["has_role", { type: "User"; id: string }, { type: "String"; id: "reader" }, { type: "Repo"; id: string }]')
  })

  test('mistakes are shown at their line, and nothing is written', async () => {
    const at = await written({ 'a.polar': 'resource Repo { "x" if "y"; }\n' })
    const { code, out, err } = await arctos(['generate-types', 'typescript', at('a.polar')])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/a\.polar:1:\d+: error\[[\w-]+\].*\n {2}1 \| resource Repo.*\n {4}\| +\^/)
    expect(err).toContain('the policy is not valid')
  })

  test('another language', async () => {
    const at = await written({ 'a.polar': '' })
    expect(await arctos(['generate-types', 'rust', at('a.polar')])).toEqual({
      code: 1,
      out: '',
      err: 'types can be generated for `typescript`, found `rust`\n',
    })
  })
})
