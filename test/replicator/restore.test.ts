/** Bringing an environment back to a retained revision, in every cell. */
import { expect, test } from 'vitest'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { at } from '../../src/base/assert.ts'
import { createMemoryLog } from '../../src/log/memory-log.ts'
import type { RecordBody } from '../../src/log/record.ts'
import { refusal } from '../log/log-conformance.ts'
import { facts, insert, remove } from '../support/record.ts'
import { lasting, type SeenState, startCell, stateOf, until } from './cell.ts'
import { note, reader } from './inner-conformance.ts'

const policy = (source: string): RecordBody => ({ kind: 'policy', source, filename: null })

/** Six revisions of different states. */
const bodies: readonly RecordBody[] = [
  note('a'),
  policy('actor User {}'),
  facts(insert('p', 'T:a'), remove('note', 'Text:a')),
  { kind: 'clear' },
  note('b'),
  policy('resource Doc {}'),
]

test('every retained revision comes back, in this cell and another, and writes go on', async () => {
  const memory = createMemoryLog({ logId: 'memory' })
  const remote = memoryObjectStore('shared')
  const objects = memoryObjectStore()
  const cell = await startCell({ log: lasting(memory), objects, remote, settings: { trim: false } })
  const { replicator } = cell
  await replicator.createEnvironment('e')
  const states: SeenState[] = [await stateOf(replicator, 'e')]
  for (const [index, body] of bodies.entries()) {
    await replicator.append('e', body, `w${index}`)
    states.push(await stateOf(replicator, 'e'))
    // Some revisions are in snapshots, some in deltas, some only in the log.
    if (index % 2 === 0) await replicator.publish('e')
  }
  const other = await startCell({ log: lasting(memory), remote, settings: { trim: false } })
  for (const target of [3, 0, 6, 1, 5, 2, 4]) {
    const { revision, applied } = await replicator.restore('e', target)
    expect(applied).toBe(true)
    const { stateHash, facts: found, policy: active } = at(states, target)
    for (const { replicator: one } of [cell, other])
      expect(await stateOf(one, 'e')).toMatchObject({ revision, stateHash, facts: found, policy: active })
  }
  const { revision } = await replicator.append('e', note('after'), 'after')
  expect(await stateOf(other.replicator, 'e')).toMatchObject({ revision, facts: expect.arrayContaining(['note(Text:after)']) })
  // Also from what is published, and once more from the log.
  await replicator.publish('e')
  const expected = await stateOf(replicator, 'e')
  await replicator.close()
  const again = await startCell({ log: lasting(memory), objects })
  expect(again.logged('replica-loaded').at(-1)).toMatchObject({ fields: { source: 'local' } })
  expect(await stateOf(again.replicator, 'e')).toEqual(expected)
  const replayed = await startCell({
    log: lasting(memory),
    remote: { ...remote, get: async (key) => (key.endsWith('.json') ? null : remote.get(key)) },
  })
  expect(replayed.logged('replica-loaded').at(-1)).toMatchObject({ fields: { source: 'log' } })
  expect(await stateOf(replayed.replicator, 'e')).toEqual(expected)
})

test('a tail carries the record of a restore', async () => {
  const { replicator } = await startCell()
  await replicator.createEnvironment('e')
  await replicator.append('e', note('a'), 'a')
  const read = reader()
  replicator.tail('e', 1, read)
  const { revision } = await replicator.restore('e', 0)
  await read.count(1)
  expect(read.records).toMatchObject([
    { revision, record: { body: { kind: 'restore', revision: 0, key: expect.stringMatching(/^e\/restores\//) } } },
  ])
})

test('what is not retained, or is not there yet, is refused', async () => {
  const { replicator, log } = await startCell({ settings: { retainedSnapshots: 2 } })
  await replicator.createEnvironment('e')
  for (const id of ['a', 'b', 'c', 'd', 'f', 'g']) {
    await replicator.append('e', note(id), id)
    await replicator.publish('e')
  }
  await until(async () => ((await log.bounds('e')).first > 3 ? true : null))
  expect(await refusal(replicator.restore('e', 1))).toBe('out-of-range')
  expect(await refusal(replicator.restore('e', 7))).toBe('out-of-range')
  expect(await refusal(replicator.restore('e', -1))).toBe('out-of-range')
  expect(await refusal(replicator.restore('none', 1))).toBe('unknown-environment')
  expect(replicator.status().problem).toBeNull()
})

test('a cell that cannot get the object waits for it, and goes on', async () => {
  const memory = createMemoryLog({ logId: 'memory' })
  const remote = memoryObjectStore('shared')
  const first = await startCell({ log: lasting(memory), remote })
  await first.replicator.createEnvironment('e')
  await first.replicator.append('e', note('a'), 'a')
  let down = false
  const second = await startCell({
    log: lasting(memory),
    remote: { ...remote, get: async (...args) => (down ? Promise.reject(new Error('no route')) : remote.get(...args)) },
  })
  down = true
  await first.replicator.restore('e', 0)
  await first.replicator.append('e', note('b'), 'b')
  await until(() => second.logged('environment-waits')[0])
  expect(second.replicator.measure().stopped).toBe(1)
  down = false
  await until(() => (second.replicator.measure().stopped === 0 ? true : null))
  expect(await stateOf(second.replicator, 'e')).toEqual(await stateOf(first.replicator, 'e'))
  expect((await stateOf(second.replicator, 'e')).facts).toEqual(['note(Text:b)'])
})
