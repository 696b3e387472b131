/** Deltas and what a Worker has room for: publishers keep to it, but for single records, and behind one of those a Worker waits for the next snapshot. */
import { expect, test } from 'vitest'
import { snapshotLimits } from '../../snapshots/bounds.ts'
import { workerDeltas } from '../../snapshots/worker-memory.ts'
import { Feed, follow, readers, repoPolicy } from '../snapshots/follower-feed.ts'
import { facts, insert } from '../support/record.ts'

const wide = (number: number): string => `${number}-`.padEnd(380, 'x')

/** Facts of about 5 MiB. */
const wideFacts = Array.from({ length: 6000 }, (_, number) =>
  insert('has_role', `User:${wide(number)}`, 'String:reader', `Repo:${wide(number)}`),
)
const RECORDS = 6

test('records that are more than it has room for come in several', async () => {
  const feed = await Feed.open()
  feed.policy(repoPolicy)
  feed.grant('ann')
  await feed.publish(true)
  const { follower } = follow({ objects: feed.objects, deltaBounds: workerDeltas })
  await follower.refresh()
  const each = wideFacts.length / RECORDS
  for (let record = 0; record < RECORDS; record++) feed.append(facts(...wideFacts.slice(record * each, (record + 1) * each)))
  feed.grant('bob')
  const { deltas } = await feed.publish()
  expect(deltas).toHaveLength(2)
  await follower.refresh()
  expect([readers(follower), follower.problem]).toEqual([['ann', 'bob'], null])
  follower.close()
})

test('deltas that became one have room too', async () => {
  const feed = await Feed.open()
  feed.policy(repoPolicy)
  await feed.publish(true)
  const { follower } = follow({ objects: feed.objects, deltaBounds: workerDeltas })
  // As many as are merged are 6 MiB together.
  const each = 250
  for (let delta = 0; delta <= snapshotLimits.deltas; delta++) {
    feed.append(facts(...wideFacts.slice((delta * each) % wideFacts.length).slice(0, each)))
    await feed.publish()
  }
  const { deltas } = await feed.publish()
  expect(deltas.length).toBeLessThan(snapshotLimits.deltas)
  expect(deltas.length).toBeGreaterThan(snapshotLimits.deltas - snapshotLimits.mergedDeltas)
  await follower.refresh()
  expect([follower.problem, follower.replica?.revision]).toEqual([null, feed.revision])
  follower.close()
})

test('a single record that is too large is refused, and a snapshot stands for it', async () => {
  const feed = await Feed.open()
  feed.policy(repoPolicy)
  feed.grant('ann')
  await feed.publish(true)
  const { follower, lines } = follow({ objects: feed.objects, deltaBounds: workerDeltas })
  const roomy = follow({ objects: feed.objects }).follower
  await Promise.all([follower.refresh(), roomy.refresh()])
  feed.append(facts(...wideFacts))
  feed.grant('bob')
  await feed.publish()
  await Promise.all([follower.refresh(), roomy.refresh()])
  expect([readers(follower), follower.lacksMemory]).toEqual([['ann'], true])
  expect(follower.problem).toContain(`it unpacks to more than the ${workerDeltas.rawBytes} bytes that this process has room for`)
  expect(lines.filter(({ event }) => event === 'follow-refused')).toHaveLength(1)
  expect([readers(roomy), roomy.lacksMemory]).toEqual([['ann', 'bob'], false])

  // Whoever begins now has the snapshot in front of it.
  const { follower: late, pool } = follow({ objects: feed.objects, deltaBounds: workerDeltas })
  for (let look = 0; look < 3; look++) {
    await late.refresh()
    expect([readers(late), late.lacksMemory, pool.use().used]).toEqual([['ann'], true, 1])
  }

  feed.grant('eve')
  await feed.publish(true)
  for (const each of [follower, late]) {
    await each.refresh()
    expect([readers(each), each.lacksMemory, each.problem]).toEqual([['ann', 'bob', 'eve'], false, null])
  }
  feed.grant('zed')
  await feed.publish()
  await follower.refresh()
  expect(readers(follower)).toEqual(['ann', 'bob', 'eve', 'zed'])
  for (const each of [follower, roomy, late]) each.close()
})
