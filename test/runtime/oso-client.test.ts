/** The unmodified Node client of Oso Cloud against a real process, through every public method but local authorization. */
import { Oso } from 'oso-cloud'
import { expect, test } from 'vitest'
import { developmentKey } from '../../src/wire/api-key.ts'
import { checkEveryMethod } from './support/oso-client.ts'
import { basic } from './support/policies.ts'
import { startServer } from './support/process.ts'

const user = (id: string) => ({ type: 'User', id })
const repo = (id: string) => ({ type: 'Repo', id })

test('every public method', async () => {
  const server = await startServer()
  await checkEveryMethod(new Oso(server.url, developmentKey))
})

test('a list of 25,000 ids, page by page', async () => {
  const server = await startServer()
  const oso = new Oso(server.url, developmentKey)
  await oso.policy(basic)
  const ids = Array.from({ length: 25_000 }, (_, index) => `r${String(index).padStart(5, '0')}`)
  for (let start = 0; start < ids.length; start += 5000) {
    await oso.batch((tx) => {
      for (const id of ids.slice(start, start + 5000)) tx.insert(['has_role', user('ana'), 'reader', repo(id)])
    })
  }
  expect(await oso.list(user('ana'), 'read', 'Repo')).toEqual(ids)
})

test('http 2, 16.6: a base URL with a slash', async () => {
  const server = await startServer()
  const oso = new Oso(`${server.url}/`, developmentKey)
  await oso.policy(basic)
  expect(await oso.authorize(user('ana'), 'write', repo('r1'))).toBe(false)
})
