/** Keeps what Node makes of this program's modules beside the data: the next start takes a third less of the processor. */
import { constants, enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'

/** Of modules that are loaded from here on, by threads too, whose part is written when they end. What is missing or damaged is made again, and all may be deleted
 * at any time. In the data directory, because whoever could write it elsewhere would decide what this process runs. */
export const keepCompiled = (directory: string): void => {
  const folder = join(directory, 'compiled')
  const { status } = enableCompileCache(folder)
  // Where that cannot be, a start takes as long as without; an operator's own choice stays.
  if (status === constants.compileCacheStatus.ENABLED) process.env['NODE_COMPILE_CACHE'] = folder
}

/** Writes what was loaded up to now, for a start after a kill: about 10 ms, once. */
export const writeCompiled = (): void => flushCompileCache()
