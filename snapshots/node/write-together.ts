/** Small messages over one connection. */
import type { Duplex } from 'node:stream'

/** What is written in one turn leaves in one packet: waking the other side costs more than all the rest of a short message. */
export const writeTogether = (socket: Duplex, data: string | Uint8Array): void => {
  if (socket.writableCorked === 0) {
    socket.cork()
    process.nextTick(() => socket.uncork())
  }
  socket.write(data)
}
