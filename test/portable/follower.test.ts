/** Followers of an object store, on both runtimes. */
import { expect, test } from 'vitest'
import { createApp } from '../../runtime/app.ts'
import { createService } from '../../runtime/create-service.ts'
import { EdgeEnvironments } from '../../runtime/edge-environments.ts'
import { hashKey, KeyRing } from '../../runtime/keys.ts'
import { webPlatform } from '../../runtime/platform.ts'
import { controlEnvironment, environmentCreated, keyCreated } from '../../src/log/control.ts'
import { configure } from '../../src/ops/configuration.ts'
import { noMetrics } from '../../src/ops/metrics.ts'
import { followerSuite } from '../snapshots/follower-conformance.ts'
import { Feed, follow, repoPolicy } from '../snapshots/follower-feed.ts'

followerSuite()

/** The keys of environment `demo`, as `control` has them. */
const key = 'e_demo_k1_keyofthedemo0001'

const controlFeed = async (demo: Feed, sha256: (text: string) => Uint8Array): Promise<Feed> => {
  const control = await Feed.open({ env: controlEnvironment, objects: demo.objects })
  control.append({
    kind: 'facts',
    changes: [
      ...environmentCreated({ id: 'demo', partition: 0 }),
      ...keyCreated({ environment: 'demo', tokenId: 'k1', access: 'read-write', hash: hashKey(sha256, key) }),
    ],
  })
  await control.publish()
  return control
}

test('an edge answers on every platform', async () => {
  const demo = await Feed.open()
  demo.policy(repoPolicy)
  demo.grant('ann')
  await demo.publish()
  const platform = webPlatform(() => {}, noMetrics)
  const keys = new KeyRing(platform.sha256)
  await controlFeed(demo, platform.sha256)
  const environments = new EdgeEnvironments({
    follow: (env, partition) => follow({ env, partition, objects: demo.objects }).follower,
    keys,
    kind: 'edge',
    only: null,
    hasOrigin: false,
    needsControl: true,
    readyStalenessMs: null,
    refreshMs: 0,
    platform,
  })
  await environments.refresh()
  const { configuration } = configure({}, {})
  const policies = { check: () => Promise.reject(new Error('not asked')), close: async () => {} }
  const app = createApp(createService({ configuration, platform, keys, environments, policies, unready: () => null, kind: 'edge' }))
  const allowed = async (user: string): Promise<unknown> => {
    const body = { actor_type: 'User', actor_id: user, action: 'read', resource_type: 'Repo', resource_id: 'r1' }
    const headers = { Authorization: `Bearer ${key}` }
    const response = await app.request('/api/authorize', { method: 'POST', headers, body: JSON.stringify(body) })
    return response.json()
  }
  expect([await allowed('ann'), await allowed('bob')]).toEqual([{ allowed: true }, { allowed: false }])
  demo.grant('bob')
  await demo.publish()
  await environments.refresh()
  expect(await allowed('bob')).toEqual({ allowed: true })
  environments.close()
})
