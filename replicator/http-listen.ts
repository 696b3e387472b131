/** Where a replicator listens: a Unix socket that only its own user reaches, or a TCP port. */
import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import type { ReplicatorPlace } from '../src/ops/places.ts'

/** Why a place cannot be used: a sentence for the operator. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/** The kernel cuts longer paths silently. */
const SOCKET_PATH_BYTES = 107

/** Whether only processes of this machine reach the place. */
export const isLocal = (place: ReplicatorPlace): boolean =>
  place.kind === 'unix' || /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(place.url).hostname)

/** Resolves with the place, its port told when it was 0. Rejects with ListenError. */
export const listenAt = async (server: Server, place: ReplicatorPlace): Promise<ReplicatorPlace> => {
  if (place.kind === 'unix') {
    await listenOnSocket(server, place.path)
    return place
  }
  const { hostname, port } = new URL(place.url)
  await listening(server, place.url, { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || '80') })
  const address = server.address()
  return { kind: 'http', url: `http://${hostname}:${typeof address === 'object' && address !== null ? address.port : port}` }
}

const listenOnSocket = async (server: Server, path: string): Promise<void> => {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES)
    throw new ListenError(`cannot listen on \`${path}\`: the path of a Unix socket has at most ${SOCKET_PATH_BYTES} bytes`)
  await mkdir(dirname(path), { recursive: true })
  await removeAbandoned(path)
  // With the mask there is no moment in which others could connect; threads cannot set it.
  const mask = isMainThread ? process.umask(0o177) : null
  try {
    await listening(server, path, { path })
    chmodSync(path, 0o600)
  } finally {
    if (mask !== null) process.umask(mask)
  }
}

/** A process that was killed leaves its socket behind; one that answers is in use. */
const removeAbandoned = async (path: string): Promise<void> => {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new ListenError(`cannot listen on \`${path}\`: there is a file that is no socket`)
  const inUse = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
  if (inUse) throw new ListenError(`cannot listen on \`${path}\`: another process listens there`)
  rmSync(path, { force: true })
}

const listening = async (
  server: Server,
  name: string,
  options: { readonly path: string } | { readonly host: string; readonly port: number },
) =>
  new Promise<void>((resolve, reject) => {
    const failed = (cause: Error): void => reject(new ListenError(`cannot listen on \`${name}\`: ${cause.message}`, { cause }))
    server.once('error', failed)
    server.listen(options, () => {
      server.off('error', failed)
      resolve()
    })
  })
