/** An answer on a connection that has no response object. */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** The last thing that is said on it. */
export const bareAnswer = (socket: Duplex, status: number, body: string, headers: Readonly<Record<string, string>>): void => {
  const all = Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' })
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...all.map(([name, value]) => `${name}: ${value}`)]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
