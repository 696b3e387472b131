/** Deltas that are larger than what a Worker has room for: what it has goes on answering, and the next snapshot brings what they held. */
import { expect, test } from 'vitest'
import { workerDeltas } from '../../snapshots/worker-memory.ts'
import { Feed, follow, readers, repoPolicy } from '../snapshots/follower-feed.ts'
import { facts, insert } from '../support/record.ts'

const FACTS = 1000
const BATCHES = 6
const wide = (number: number): string => `${number}-`.padEnd(380, 'x')

/** Records of about 5 MiB. */
const fill = (feed: Feed): void => {
  for (let batch = 0; batch < BATCHES; batch++) {
    const numbers = Array.from({ length: FACTS }, (_, index) => batch * FACTS + index)
    feed.append(facts(...numbers.map((number) => insert('has_role', `User:${wide(number)}`, 'String:reader', `Repo:${wide(number)}`))))
  }
}

test('one that is too large is refused, and a snapshot stands for it', async () => {
  const feed = await Feed.open()
  feed.policy(repoPolicy)
  feed.grant('ann')
  await feed.publish(true)
  const { follower, lines } = follow({ objects: feed.objects, deltaBounds: workerDeltas })
  const roomy = follow({ objects: feed.objects }).follower
  await Promise.all([follower.refresh(), roomy.refresh()])
  fill(feed)
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
