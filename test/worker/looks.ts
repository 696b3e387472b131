/** How often a Worker has looked at its objects, by its own count. */
import type { Asker } from '../runtime/support/harness.ts'

/** All of them together, however they ended. */
export const looksOf = async (ask: Asker): Promise<number> => {
  const { text } = await ask.get('/metrics')
  const counts = [...text.matchAll(/^arctos_edge_looks\{outcome="\w+"\} (\d+)$/gm)].map(([, count]) => Number(count))
  if (counts.length === 0) throw new Error('the Worker tells of no looks')
  return counts.reduce((sum, count) => sum + count, 0)
}
