/** Ports of loopback that nothing listens on. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below those that systems hand out to connections: a server that restarts finds its port still free. */
const FIRST = 12_000
const END = 32_000
const TRIES = 1000

/** Different ones; another process may take one before it is used. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const held: { readonly port: number; close(): Promise<void> }[] = []
  try {
    // All are held until the last is found, so that none comes twice.
    for (let tries = 0; held.length < count; tries++) {
      if (tries === TRIES) throw new Error(`no ${count} ports from ${FIRST} to ${END - 1} are free`)
      const found = await listening(randomInt(FIRST, END))
      if (found !== null) held.push(found)
    }
  } finally {
    await Promise.all(held.map(async (server) => server.close()))
  }
  return held.map(({ port }) => port)
}

const listening = async (port: number): Promise<{ readonly port: number; close(): Promise<void> } | null> => {
  const server = createServer()
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (!isFree) return null
  return {
    port,
    close: async () =>
      new Promise((resolve) => {
        server.close(() => resolve())
      }),
  }
}
