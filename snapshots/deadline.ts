/** Bounds on how long another machine may keep us waiting. */
import { messageOf } from '../src/base/message.ts'

/** What `work` resolves with, or a rejection with `late()` when that takes longer; the signal tells the work to stop, and is that of `controller`, where others may tell it, too. */
export const within = async <T>(
  work: (signal: AbortSignal) => Promise<T>,
  timeoutMs: number,
  late: () => Error,
  controller = new AbortController(),
): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(late())
      controller.abort()
    }, timeoutMs)
  })
  try {
    return await Promise.race([work(controller.signal), deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** What the work resolves with, or null after a while; it goes on all the same. Rejects with what the work rejects with until then. */
export const atMost = async <T>(work: Promise<T>, timeoutMs: number): Promise<T | null> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

export interface TransferBound {
  /** Longest wait for the next chunk, and of the transfer for a reader to begin. */
  readonly idleMs: number
  /** Announced bytes; null where nobody announced them. */
  readonly sizeBytes: number | null
  /** Gives the connection back. Called once or more, at the end too. */
  readonly end: () => void
  readonly failure: (why: string, cause?: unknown) => Error
}

/** The chunks of one transfer, once: breaks off with an error when they stop coming, end early or go on too long. A reader that breaks off, or never
 * begins, keeps no connection. */
export const boundedChunks = (chunks: AsyncIterable<Uint8Array>, bound: TransferBound): AsyncIterable<Uint8Array> => {
  let waited = false
  const unread = setTimeout(() => {
    waited = true
    bound.end()
  }, bound.idleMs)
  return {
    [Symbol.asyncIterator]: () => {
      clearTimeout(unread)
      const read = readChunks(chunks, bound, waited)
      return {
        next: () => read.next(),
        async return() {
          // A generator that never began has no `finally`.
          bound.end()
          return read.return(undefined)
        },
      }
    },
  }
}

async function* readChunks(chunks: AsyncIterable<Uint8Array>, bound: TransferBound, waited: boolean): AsyncGenerator<Uint8Array> {
  const { idleMs, sizeBytes, failure } = bound
  if (waited) throw failure(`nobody read it for ${idleMs} ms`)
  const late = (): Error => new Error(`no bytes for ${idleMs} ms`)
  const source = chunks[Symbol.asyncIterator]()
  let received = 0
  try {
    for (;;) {
      const next = await within(() => source.next(), idleMs, late)
      if (next.done === true) break
      received += next.value.length
      yield next.value
    }
  } catch (error) {
    throw failure(`the transfer broke off after ${received} bytes: ${messageOf(error)}`, error)
  } finally {
    bound.end()
  }
  if (sizeBytes !== null && received !== sizeBytes) throw failure(`${received} of ${sizeBytes} bytes arrived`)
}

/** Resolves after a while. */
export const wait = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
