/** The version of this package, which is that of its engine. */
import { readFile } from 'node:fs/promises'

export const packageVersion = async (): Promise<string> => {
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0.0.0'
}
