/** What every process that serves begins with: its platform, its keys, its server, and why it cannot start. */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { errorCode } from '../../snapshots/node/error-code.ts'
import { messageOf } from '../../src/base/message.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import type { createApp } from '../app.ts'
import { KeyRing, parseKeyFile } from '../keys.ts'
import { type Platform, webPlatform } from '../platform.ts'
import { pinoLogLines } from './log-lines.ts'
import { prometheusRegistry } from './prometheus.ts'
import { type HttpServer, listen } from './server.ts'

/** Why a server cannot start: a sentence for the operator. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

export const nodePlatform = ({ logLevel }: Pick<Configuration, 'logLevel'>): Platform => ({
  ...webPlatform(pinoLogLines(logLevel), prometheusRegistry()),
  sha256: (text) => createHash('sha256').update(text, 'utf8').digest(),
  afterArrived,
})

/** The loop looks at its sockets once between two of these. */
const afterArrived = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve))
  })

/** The key ring of the file of key hashes, empty without one; rejects with StartError. */
export const readKeys = async ({ keys: path }: Pick<Configuration, 'keys'>, platform: Platform): Promise<KeyRing> => {
  const ring = new KeyRing(platform.sha256)
  if (path === null) return ring
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new StartError(`the key file \`${path}\` cannot be read: ${messageOf(cause)}`, { cause })
  })
  const { records, problems } = parseKeyFile(text)
  if (problems.length > 0) throw new StartError(`the key file \`${path}\` has mistakes:\n${problems.join('\n')}`)
  for (const record of records) ring.add(record)
  return ring
}

/** In production someone has to hold a key, when those of the control environment are known. Throws StartError. */
export const requireKeys = ({ mode, keys: path, adminKey }: Configuration, ring: KeyRing): void => {
  if (mode !== 'production' || adminKey !== null || ring.records().length > 0) return
  throw new StartError(
    path === null
      ? 'production mode needs keys: make some with `arctos key generate` and name their file in ARCTOS_KEYS, or set ARCTOS_ADMIN_KEY (`arctos key generate --admin`)'
      : `the key file \`${path}\` holds no key`,
  )
}

/** Listens where the settings say; rejects with StartError. */
export const openServer = async (
  { host, port, requestTimeoutMs }: Configuration,
  app: () => ReturnType<typeof createApp>,
): Promise<HttpServer> => {
  try {
    return await listen({ host, port, requestTimeoutMs, app })
  } catch (cause) {
    const reason =
      errorCode(cause) === 'EADDRINUSE' ? 'another process uses it: stop that one or choose another with OSO_PORT' : messageOf(cause)
    throw new StartError(`cannot listen on ${host}:${port}: ${reason}`, { cause })
  }
}
