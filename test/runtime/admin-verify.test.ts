/** What `verify` finds in an object store, over in-memory parts. */
import { describe, expect, test } from 'vitest'
import { verifyEnvironment } from '../../runtime/cli/verify-environment.ts'
import { loadImage } from '../../snapshots/load-snapshot.ts'
import { type Manifest, manifestKey, printManifest } from '../../snapshots/manifest.ts'
import { uploadSnapshot } from '../../snapshots/upload.ts'
import { at, known } from '../../src/base/assert.ts'
import type { Fact } from '../../src/base/value.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import type { Store } from '../../src/store/facts.ts'
import { Feed, makePool, testPlatform } from '../snapshots/follower-feed.ts'
import { plantDelta, plantSnapshot } from '../snapshots/planted.ts'
import { bytesOf, env, Publisher, pool, TestReplica, withObject } from '../snapshots/support.ts'
import { readerOf } from './support/roles.ts'

const factOf = (user: number): Fact => readerOf(`u${user}`, 'r1')

const record = (revision: number): RevisedRecord => ({
  revision,
  record: {
    format: 1,
    logId: 'log',
    writeId: `w${revision}`,
    appendedAtMs: 1_700_000_000_000,
    body: revision === 0 ? { kind: 'genesis' } : { kind: 'facts', changes: [{ kind: 'insert', fact: factOf(revision) }] },
  },
})

/** Three snapshots with deltas between and behind them. */
const published = async (): Promise<{ readonly publisher: Publisher; readonly manifest: Manifest }> => {
  const publisher = await Publisher.open()
  let manifest: Manifest | null = null
  for (let revision = 0; revision < 12; revision++) {
    publisher.feed([record(revision)])
    const latest = await publisher.publish(revision % 4 === 1)
    manifest = latest ?? manifest
  }
  return { publisher, manifest: known(manifest, 'something was published') }
}

const findingsOf = async ({ objects, platform }: Publisher): Promise<readonly string[]> =>
  (await verifyEnvironment({ objects, platform, pool }, env)).findings

/** Puts another image in the place of a snapshot, as a publisher that went wrong would have. */
const forge = async (
  { objects, platform }: Publisher,
  { manifest, index, change }: { readonly manifest: Manifest; readonly index: number; readonly change: (store: Store) => void },
): Promise<void> => {
  const entry = at(manifest.snapshots, index)
  const replica = new TestReplica()
  replica.close()
  replica.store = await loadImage({ objects, platform, pool }, { ...entry, logId: manifest.logId })
  replica.through = entry.through
  change(replica.store)
  const { entry: forged } = await uploadSnapshot({ objects, platform, pool, env }, replica.image())
  replica.close()
  const snapshots = manifest.snapshots.with(index, forged)
  await objects.put(manifestKey(env), printManifest({ ...manifest, snapshots }))
}

describe('verify', () => {
  test('finds nothing in what was published', async () => {
    const { publisher, manifest } = await published()
    expect(manifest.snapshots).toHaveLength(3)
    expect(manifest.deltas.length).toBeGreaterThan(3)
    expect(await findingsOf(publisher)).toEqual([])
  })

  test('a fact that is gone from an image, whose hash was not', async () => {
    const { publisher, manifest } = await published()
    for (const index of [0, 1, 2]) {
      await forge(publisher, {
        manifest,
        index,
        change: (store) => store.database.exec(`DELETE FROM ${at(store.tables(), 0).table}`),
      })
      const findings = await findingsOf(publisher)
      expect(findings[0]).toMatch(
        /^snapshot `shop\/snapshots\/\S+`: its facts have state hash [0-9a-f]{32}, the manifest says [0-9a-f]{32}$/,
      )
    }
  })

  test('an image that is consistent in itself, and not what the records lead to', async () => {
    const { publisher, manifest } = await published()
    await forge(publisher, { manifest, index: 1, change: (store) => store.transaction(() => void store.insert(factOf(999))) })
    const [finding = '', ...more] = await findingsOf(publisher)
    expect(finding).toMatch(
      /^snapshot `shop\/snapshots\/\S+`: the records behind snapshot \d+ lead to state hash [0-9a-f]{32}, expected [0-9a-f]{32}$/,
    )
    // What follows from it differs from the next one, too.
    expect(more).toHaveLength(1)
  })

  test('objects that are missing or changed, each by its key', async () => {
    const { publisher, manifest } = await published()
    const { objects } = publisher
    for (const { key } of [...manifest.snapshots, ...manifest.deltas]) {
      const bytes = await bytesOf(objects, key)
      const [missing, damaged] = [await publishedWith(publisher, key, null), await publishedWith(publisher, key, bytes.slice(0, -3))]
      expect(missing.some((finding) => finding.startsWith('missing: ') && finding.includes(key))).toBe(true)
      expect(damaged.some((finding) => finding.startsWith('damaged: ') && finding.includes(key))).toBe(true)
    }
    expect(await findingsOf(publisher)).toEqual([])
  })

  test('objects of another environment of the log', async () => {
    for (const plant of [plantSnapshot, plantDelta]) {
      const [mine, other] = [await Feed.open(), await Feed.open({ env: 'other' })]
      for (const feed of [mine, other]) {
        feed.grant(feed.env)
        await feed.publish(true)
        feed.grant('bob')
        await feed.publish()
      }
      const { key } = await plant(other, mine)
      const { findings } = await verifyEnvironment({ objects: mine.objects, platform: testPlatform(), pool: makePool() }, 'demo')
      expect(findings).toContain(`foreign: \`${key}\`: it belongs to environment \`other\`, expected \`demo\``)
    }
  })

  test('no manifest, or one that cannot be used', async () => {
    const { publisher, manifest } = await published()
    const key = manifestKey(env)
    expect(await publishedWith(publisher, key, null)).toEqual([`there is no manifest in ${publisher.objects.name}`])
    const text = new TextDecoder().decode(printManifest(manifest))
    const changed = (from: string | RegExp, to: string) => new TextEncoder().encode(text.replace(from, to))
    expect(await publishedWith(publisher, key, changed('"format":1', '"format":2'))).toEqual([expect.stringMatching(/^format: /)])
    expect(await publishedWith(publisher, key, changed('{', '['))).toEqual([expect.stringMatching(/^damaged: /)])
    const foreign = await publishedWith(publisher, key, changed('"logId":"log"', '"logId":"other"'))
    expect(foreign.some((finding) => finding.startsWith('foreign: '))).toBe(true)
  })
})

const publishedWith = async (publisher: Publisher, key: string, bytes: Uint8Array | null): Promise<readonly string[]> => {
  let findings: readonly string[] = []
  await withObject(publisher.objects, key, bytes, async () => {
    findings = await findingsOf(publisher)
  })
  return findings
}
