/** The platform of Node, and that it and the one of web standards read what the other wrote. */
import { expect, test } from 'vitest'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { collected, parts, platformConformance, sample } from './platform-conformance.ts'

platformConformance('Node', nodeSnapshotPlatform)

test('each reads what the other wrote', async () => {
  const platforms = [nodeSnapshotPlatform(() => undefined), webSnapshotPlatform(() => undefined)]
  const bytes = sample(300_000)
  for (const writer of platforms) {
    const packed = await writer.gzip(bytes)
    for (const reader of platforms) expect(await collected(reader.gunzip(parts(packed, 1000)))).toEqual(bytes)
  }
})
