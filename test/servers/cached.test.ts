/** What comes from elsewhere is made once, and never half. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cached } from '../../scripts/servers/cached.ts'

const name = `test-${randomUUID()}`
const places: string[] = []

afterAll(() => {
  for (const place of places) rmSync(place, { recursive: true, force: true })
})

const folderWith = (text: string) => async (draft: string) => {
  mkdirSync(join(draft, 'made'))
  writeFileSync(join(draft, 'made', 'text'), text)
  return join(draft, 'made')
}

/** What there is of a name beside the thing itself. */
const drafts = (place: string): string[] =>
  readdirSync(dirname(place)).filter((entry) => entry.startsWith(`${name}-`) && join(dirname(place), entry) !== place)

test('the first time it is made, then it is there', async () => {
  const place = await cached(name, folderWith('first'))
  places.push(place)
  expect(await cached(name, folderWith('second'))).toBe(place)
  expect(readFileSync(join(place, 'text'), 'utf8')).toBe('first')
  expect(drafts(place)).toEqual([])
})

test('the folder itself may be what is made', async () => {
  const place = await cached(`${name}-folder`, async (draft) => {
    writeFileSync(join(draft, 'text'), 'whole')
    return draft
  })
  places.push(place)
  expect(readFileSync(join(place, 'text'), 'utf8')).toBe('whole')
})

test('of two at once one is kept, and both get it', async () => {
  const [one, two] = await Promise.all([cached(`${name}-race`, folderWith('one')), cached(`${name}-race`, folderWith('two'))])
  places.push(one)
  expect(two).toBe(one)
  expect(['one', 'two']).toContain(readFileSync(join(one, 'text'), 'utf8'))
})

test('what fails half-way leaves nothing, and is made the next time', async () => {
  const failing = cached(`${name}-failed`, async (draft) => {
    await folderWith('half')(draft)
    throw new Error('no network')
  })
  await expect(failing).rejects.toThrow('no network')
  const place = await cached(`${name}-failed`, folderWith('whole'))
  places.push(place)
  expect(readFileSync(join(place, 'text'), 'utf8')).toBe('whole')
  expect(existsSync(place)).toBe(true)
  expect(drafts(place).filter((entry) => !places.includes(join(dirname(place), entry)))).toEqual([])
})
