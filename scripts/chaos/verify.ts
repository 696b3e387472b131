/** Recomputes the state hashes of all that was published, as `arctos verify` does: of the shared store, and of each cell's own folder. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Cluster } from '../cluster/cluster.ts'
import { storeSettings } from '../cluster/servers.ts'
import type { Finding } from './oracle.ts'

const main = fileURLToPath(new URL('../../runtime/cli/main.ts', import.meta.url))

export const verifyObjects = async ({ s3, cells }: Cluster): Promise<readonly Finding[]> => {
  const places = [
    { name: 'the shared store', settings: storeSettings(s3.port) },
    ...cells.map(({ name, directory }) => ({ name, settings: { ARCTOS_STORE: `file:${directory}/objects` } })),
  ]
  const findings: Finding[] = []
  for (const { name, settings } of places) {
    try {
      await promisify(execFile)(process.execPath, [main, 'verify'], { env: { PATH: process.env['PATH'] ?? '', ...settings } })
    } catch (error) {
      findings.push({ kind: 'damaged-objects', detail: `${name}: ${String(error).slice(0, 2000)}` })
    }
  }
  return findings
}
