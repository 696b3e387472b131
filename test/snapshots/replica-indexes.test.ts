/** A replica indexes small tables by itself; for large ones it answers by slower plans until a swap brings the index. */
import { describe, expect, test } from 'vitest'
import type { Replica } from '../../snapshots/replica.ts'
import type { RecordBody } from '../../src/log/record.ts'
import { imageOf, storeOf } from '../support/image.ts'
import { facts, insert, wholeLog } from '../support/record.ts'
import { openReplica, policy, reads, request, swapTo } from './replica-support.ts'

describe('indexes', () => {
  // Searched by what stands in the middle.
  const indexed: RecordBody = {
    kind: 'policy',
    source: `actor User {} resource Repo { permissions = ["read"]; }
      has_permission(user: User, "read", repo: Repo) if team matches Team and on_team(user, team) and grants(repo, team, level) and level matches String;`,
    filename: null,
  }
  const grants = facts(
    ...Array.from({ length: 200 }, (_, index) => insert('grants', `Repo:r${index}`, `Team:t${index % 50}`, 'String:any')),
    insert('on_team', 'User:ana', 'Team:t7'),
  )
  const log = wholeLog(indexed, grants)
  const asked = (replica: Replica): unknown => [
    replica.engine.list({ type: 'User', id: 'ana' }, 'read', 'Repo', request),
    reads(replica, 'ana', 'r7'),
    reads(replica, 'ana', 'r8'),
  ]
  const answer = [['r107', 'r157', 'r57', 'r7'], true, false]

  test('small tables are indexed at once; a large one is answered by the slower plan until a swap brings the index', async () => {
    const small = openReplica().replica
    await small.take(log, 2)
    small.start()
    expect(small.missingIndexes).toEqual([])
    const { replica, pool } = openReplica({ indexRows: 100 })
    await replica.take(log, 2)
    replica.start()
    expect(replica.missingIndexes).toEqual([{ signature: { predicate: 'grants', types: ['Repo', 'Team', 'String'] }, columns: [1, 0, 2] }])
    expect(asked(replica)).toEqual(answer)
    const withIndex = imageOf(log, (store) =>
      store.transaction(() => {
        for (const { signature, columns } of replica.missingIndexes) store.ensureIndex(signature, columns)
      }),
    )
    await swapTo({ replica, pool }, storeOf(pool, withIndex), 2)
    expect(replica.missingIndexes).toEqual([])
    expect(asked(replica)).toEqual(answer)
  })

  test('an index that a swap still lacks is built on the way when its table is small', async () => {
    const { replica, pool } = openReplica()
    await replica.take(log, 2)
    replica.start()
    await swapTo({ replica, pool }, storeOf(pool, imageOf(log)), 2)
    expect(replica.missingIndexes).toEqual([])
    const table = replica.store.tables().find(({ signature }) => signature.predicate === 'grants')
    expect(table?.orders).toContainEqual([1, 0, 2])
    expect(asked(replica)).toEqual(answer)
  })

  test('a policy that is compiled elsewhere is not compiled here', async () => {
    const compiled: string[] = []
    const { replica, pool } = openReplica({
      compile: async (source) => {
        compiled.push(source)
        return { source, policy: null, indexes: [] }
      },
    })
    await replica.take(wholeLog(policy()), 1)
    replica.start()
    await swapTo({ replica, pool }, storeOf(pool, imageOf(wholeLog(policy(), policy('# other')))), 2)
    expect(compiled).toEqual([expect.stringContaining('# other')])
    expect(replica.problem).toBe('the active policy cannot be compiled by this version')
  })
})
