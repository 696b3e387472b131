/** A connection to a server, for what is written on it as it is. */
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServerProcess } from './process.ts'

export const connectTo = (server: Pick<ServerProcess, 'url'>) => {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  const state = { text: '', closed: false }
  socket.on('data', (chunk) => void (state.text += String(chunk)))
  socket.on('error', () => {})
  socket.on('close', () => void (state.closed = true))
  const until = async (done: () => boolean) => {
    while (!done()) await delay(5)
  }
  return { socket, state, until }
}
