/** The text of a short HTTP message, whichever side reads it. */
import type { IncomingMessage } from 'node:http'

/** Something was missing at the end, or there was too much. */
export type Unread = 'broken' | 'too-large'

/** Rejects with what `failure` makes of the reason; what is over the bound is not read. By events: an iterator of the stream takes longer than all the rest for a short text. */
export const messageText = async (
  message: IncomingMessage,
  maxBytes: number,
  failure: (why: Unread, cause?: Error) => Error,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    // An error with its stack is made only where there is one: every message is closed in the end.
    const broken = (cause?: Error): void => {
      if (!message.readableEnded) reject(failure('broken', cause))
    }
    if (message.destroyed) {
      broken(message.errored ?? undefined)
      return
    }
    message.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes <= maxBytes) chunks.push(chunk)
      else {
        message.pause()
        reject(failure('too-large'))
      }
    })
    message.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    message.once('error', broken)
    message.once('close', broken)
  })
