/** The type-check projects and the linter refuse what they are there to refuse. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const path = (relative: string): string => join(root, relative)
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctos-gates-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const run = (command: string, args: readonly string[]): string => {
  const { stdout, stderr, error } = spawnSync(path(`node_modules/.bin/${command}`), args, { cwd: folder, encoding: 'utf8' })
  if (error !== undefined) throw error
  return stdout + stderr
}

/** What the compiler says about `code` with the options of a project; the globals that the project declares come along. */
const typeCheck = (project: string, code: string): string => {
  writeFileSync(join(folder, 'plant.ts'), code)
  const globals = project === 'tsconfig.src.json' ? [path('src/base/globals.d.ts')] : []
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: path(project),
      compilerOptions: { typeRoots: [path('node_modules/@types')] },
      include: [],
      files: [join(folder, 'plant.ts'), ...globals],
    }),
  )
  return run('tsc', ['-p', 'tsconfig.json'])
}

describe('types', () => {
  const refused: readonly (readonly [project: string, code: string, complaint: string])[] = [
    ['tsconfig.src.json', "export const a = fetch('/')", "'fetch'"],
    ['tsconfig.src.json', 'console.log(1)', "'console'"],
    ['tsconfig.src.json', 'export const a = process.env', "'process'"],
    ['tsconfig.src.json', 'setTimeout(() => 1, 1)', "'setTimeout'"],
    ['tsconfig.src.json', "import { readFileSync } from 'node:fs'\nreadFileSync('a')", "'node:fs'"],
    ['tsconfig.portable.json', 'export const a = process.env', "'process'"],
    ['tsconfig.portable.json', "export const a = Buffer.from('a')", "'Buffer'"],
    ['tsconfig.portable.json', 'setImmediate(() => 1)', "'setImmediate'"],
    ['tsconfig.portable.json', "import { readFileSync } from 'node:fs'\nreadFileSync('a')", "'node:fs'"],
    ['tsconfig.node.json', 'enum A { B }\nexport const a = A.B', 'erasableSyntaxOnly'],
    ['tsconfig.node.json', 'export const a: string = [1, 2].map(String)[0]', 'undefined'],
    ['tsconfig.node.json', 'export const a: { b?: string } = { b: undefined }', 'exactOptionalPropertyTypes'],
    ['tsconfig.node.json', 'const a = 1', "'a' is declared"],
  ]

  test.each(refused)('%s refuses %j', (project, code, complaint) => {
    expect(typeCheck(project, code)).toContain(complaint)
  })

  const accepted: readonly (readonly [project: string, code: string])[] = [
    ['tsconfig.src.json', "export const a = new TextDecoder('utf-8', { fatal: true }).decode(new TextEncoder().encode('a'))"],
    ['tsconfig.src.json', 'export const a = new WebAssembly.Memory({ initial: 1 }).buffer.byteLength'],
    ['tsconfig.portable.json', "export const a = fetch('/').then((response) => response.text())"],
    ['tsconfig.portable.json', "export const a = crypto.subtle.digest('SHA-256', new Uint8Array(1))"],
    ['tsconfig.node.json', "import { readFileSync } from 'node:fs'\nexport const a = Buffer.from(readFileSync('a')).length"],
  ]

  test.each(accepted)('%s accepts %j', (project, code) => {
    expect(typeCheck(project, code)).toBe('')
  })
})

test('lint refuses what it is there to refuse', () => {
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: path('tsconfig.base.json'), compilerOptions: { types: [] }, include: ['*.ts'] }),
  )
  writeFileSync(
    join(folder, 'plant.ts'),
    `
    export type Shape = { readonly kind: 'a' } | { readonly kind: 'b' }
    const work = async (): Promise<number> => 1
    export const plant = (shape: Shape, text: string, value: any, bag: unknown): number => {
      work()
      if (work()) return 1
      ;[1].forEach(async () => work())
      if (text === undefined) return 2
      switch (shape.kind) {
        case 'a':
          return text!.length + (bag as string).length
      }
      return name.length
    }
    export const wait = async (): Promise<number> => await 1
    `,
  )
  const found = run('oxlint', ['-c', path('.oxlintrc.json'), '--type-aware', '-f', 'unix', 'plant.ts'])
  const expected = [
    'no-floating-promises',
    'no-misused-promises',
    'await-thenable',
    'switch-exhaustiveness-check',
    'no-explicit-any',
    'no-non-null-assertion',
    'no-unnecessary-condition',
    'no-unsafe-type-assertion',
    'no-restricted-globals',
  ]
  expect(expected.filter((rule) => !found.includes(rule))).toEqual([])
})
