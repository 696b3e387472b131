/** The newest records in memory: what is forgotten takes none. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { RecentRecords } from '../../replicator/recent.ts'
import { facts, insert, logRecord } from '../support/record.ts'

const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
}

test('forgotten records are given back one by one, not when there are many', async () => {
  const recent = new RecentRecords(100_000).open(-1)
  const watch = (revision: number): WeakRef<object> => {
    const body = facts(...Array.from({ length: 100 }, (_, number) => insert('note', `Text:${revision}-${number}`)))
    recent.add([{ revision, record: logRecord(body, { writeId: `w${revision}` }) }])
    return new WeakRef(body)
  }
  const bodies = Array.from({ length: 20 }, (_, revision) => watch(revision))
  const kept = recent.after(19 - 3, 100)?.length
  // What was made in this turn is held until it ends.
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
  collectGarbage()
  expect(kept).toBe(3)
  expect(recent.after(0, 100)).toBe(null)
  expect(bodies.map((body) => body.deref() !== undefined).indexOf(true)).toBeGreaterThan(10)
})
