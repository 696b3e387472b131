/** Programs and libraries from elsewhere, kept in a cache of this project. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The path of what is called `name`, which has its version in it. The first time `make` is called with a folder to make it in, and tells its path there. */
export const cached = async (name: string, make: (draft: string) => Promise<string>): Promise<string> => {
  const cache = new URL('../../node_modules/.cache/arctos/', import.meta.url).pathname
  const place = join(cache, name)
  if (existsSync(place)) return place
  mkdirSync(cache, { recursive: true })
  const draft = mkdtempSync(join(cache, `${name}-`))
  try {
    const made = await make(draft)
    // Renamed when complete, so that what was interrupted is never taken for a whole one; another process may have been faster.
    if (!existsSync(place)) renameSync(made, place)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return place
}
