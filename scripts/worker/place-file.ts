/** Writes what is built into a place that others read at the same time. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The file is the old one or the new one at any time, and not touched at all when it is as it should be: a wrangler that watches it starts over for nothing. */
export const placeFile = async (path: string, bytes: Uint8Array): Promise<void> => {
  const present = await readFile(path).catch(() => null)
  if (present !== null && Buffer.compare(present, bytes) === 0) return
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}-${crypto.randomUUID()}`
  await writeFile(draft, bytes)
  await rename(draft, path)
}
