/** The guide about explanations, run as it is written. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { arctos, startServer, temporaryDirectory } from '../runtime/support/process.ts'
import { codeBlocks, documentAt } from './markdown.ts'

test('why.md: what it prints is what is printed', { timeout: 120_000 }, async () => {
  const blocks = codeBlocks(documentAt('docs/guides/why.md'))
  const policy = join(await temporaryDirectory(), 'main.polar')
  await writeFile(
    policy,
    known(
      blocks.find(({ language }) => language === 'polar'),
      'a policy',
    ).code,
  )
  const server = await startServer()
  let asked = 0
  for (const [index, { language, code }] of blocks.entries()) {
    if (language !== 'sh') continue
    const printed: string[] = []
    for (const line of code.trimEnd().split('\n')) {
      const words = line.replace('main.polar', policy).split(' ')
      expect(words.slice(0, 2)).toEqual(['npx', 'arctos'])
      const { code: status, out, err } = await arctos(words.slice(2), { OSO_URL: server.url, OSO_AUTH: developmentKey })
      expect({ line, status, err }).toEqual({ line, status: 0, err: '' })
      printed.push(out.replaceAll(policy, 'main.polar'))
    }
    const promised = blocks[index + 1]
    if (promised?.language !== 'text') continue
    expect(printed.join('')).toBe(promised.code)
    asked += 1
  }
  expect(asked).toBe(3)
  const { out } = await arctos(['authorize', '--why', 'User:eve', 'configure', '-c', 'has_permission User:eve configure'], {
    OSO_URL: server.url,
    OSO_AUTH: developmentKey,
  })
  expect(out.split('\n').slice(0, 2)).toEqual(['Allowed', 'allow(User:eve, "configure")'])
  expect(out).toContain('has_permission(User:eve, "configure")  context fact')
})
