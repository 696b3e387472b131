/** What a runtime waits for before it takes what was pushed, and before it tells of a write: its reads. */
import { expect, test, vi } from 'vitest'
import { open } from './http-harness.ts'
import { note, reader } from './inner-conformance.ts'

test('nothing is taken before what is more urgent, and then everything in order; but not every push waits', async () => {
  const served = await open()
  const gates: (() => void)[] = []
  let isOpen = true
  let waits = 0
  let nowMs = 0
  const beforeTaking = async (): Promise<void> => {
    waits += 1
    if (isOpen) return
    await new Promise<void>((resolve) => {
      gates.push(resolve)
    })
  }
  const client = served.client({ monotonicMs: () => nowMs, beforeTaking })
  await client.createEnvironment('e')
  const read = reader()
  client.tail('e', -1, read)
  await read.count(1)

  isOpen = false
  nowMs = 1000
  const writes = Array.from({ length: 3 }, (_, index) => client.append('e', note(`n${index}`), `w${index}`))
  await vi.waitFor(() => expect(gates.length).toBe(1))
  expect(read.records.length).toBe(1)
  isOpen = true
  for (const pass of gates) pass()
  await Promise.all(writes)
  await read.count(4)
  expect(read.records.map(({ revision }) => revision)).toEqual([0, 1, 2, 3])

  const before = waits
  for (let index = 0; index < 5; index += 1) await client.append('e', note(`m${index}`), `v${index}`)
  await read.count(9)
  expect(waits).toBe(before)
})
