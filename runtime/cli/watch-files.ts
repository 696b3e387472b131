/** Tells when files change, also when an editor puts a new file in the place of the old one. */
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'

/** Editors write a file in several steps. */
const SETTLE_MS = 100

/** Calls `changed` after a change, never while it still runs; a change meanwhile calls it once more. Returns how to end it. */
export const watchFiles = (paths: readonly string[], changed: () => Promise<void>): (() => void) => {
  const byFolder = Map.groupBy(paths, (path) => dirname(resolve(path)))
  let timer: NodeJS.Timeout | undefined
  const changes = { seen: 0, handled: 0, running: false }
  const run = async (): Promise<void> => {
    changes.seen += 1
    if (changes.running) return
    changes.running = true
    while (changes.handled < changes.seen) {
      changes.handled = changes.seen
      await changed()
    }
    changes.running = false
  }
  // The folder: a watch of the file itself ends with the file that it was opened on.
  const watchers = [...byFolder].map(([folder, inside]): FSWatcher => {
    const names = new Set(inside.map((path) => basename(path)))
    return watch(folder, (_, name) => {
      if (name !== null && !names.has(name)) return
      clearTimeout(timer)
      timer = setTimeout(() => void run(), SETTLE_MS)
    })
  })
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}
