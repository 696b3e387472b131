/** Every world of the corpus. */

import type { World } from './world.ts'
import { parseWorld } from './world.ts'

const files = import.meta.glob('../corpus/*.world', { query: '?raw', import: 'default', eager: true })

export const worlds: readonly World[] = Object.entries(files)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([path, text]) => parseWorld(path.replace(/^.*\/|\.world$/g, ''), text))
