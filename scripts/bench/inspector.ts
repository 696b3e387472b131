/** What an isolate of workerd holds of the memory that a platform counts, asked of its inspector while it works. */
import { setTimeout as delay } from 'node:timers/promises'
import { within } from '../../snapshots/deadline.ts'
import { assert, at } from '../../src/base/assert.ts'

/** Bytes of one moment, with the garbage that was not collected yet. */
export interface IsolateMemory {
  /** Objects and code. */
  readonly heap: number
  /** Contents of buffers. */
  readonly buffers: number
  /** Memories of wasm: of a Worker that imports `wasm-memories.ts`. */
  readonly wasm: number
}

export const countedBytes = ({ heap, buffers, wasm }: IsolateMemory): number => heap + buffers + wasm

export interface Inspector {
  memory(): Promise<IsolateMemory>
  /** What nothing refers to is gone then. */
  collect(): Promise<void>
  close(): void
}

const LOOK_MS = 10
/** 10 s at least. */
const MOST_LOOKS = 1000
const ANSWER_MS = 60_000

/** Of the one Worker of a process, by the port of its `--inspector-addr`. */
export const inspectorAt = async (port: number): Promise<Inspector> => {
  const socket = new WebSocket(await addressAt(port))
  const opened = Promise.withResolvers<void>()
  socket.addEventListener('open', () => opened.resolve())
  socket.addEventListener('error', () => opened.reject(new Error(`the inspector at port ${port} refuses`)))
  await opened.promise
  const { call, context } = callsOver(socket)
  await call('Runtime.enable')
  const contextId = await context
  return {
    async memory() {
      const [{ usedSize, embedderHeapUsedSize, backingStorageSize }, { result }] = await Promise.all([
        call('Runtime.getHeapUsage'),
        call('Runtime.evaluate', { expression: 'wasmBytes()', contextId }),
      ])
      return {
        heap: numberOf(usedSize) + numberOf(embedderHeapUsedSize),
        buffers: numberOf(backingStorageSize),
        wasm: numberOf((result as Fields)['value']),
      }
    },
    collect: async () => void (await call('HeapProfiler.collectGarbage')),
    close: () => socket.close(),
  }
}

export interface Sampling {
  /** Ends it. The moment in which most was held. */
  most(): Promise<IsolateMemory>
}

/** Looks again and again. `live`: only at what is not garbage. */
export const sample = (inspector: Inspector, { live }: { readonly live: boolean }): Sampling => {
  const state = { isOver: false }
  const look = async (): Promise<IsolateMemory> => {
    if (live) await inspector.collect()
    return inspector.memory()
  }
  const sampled = (async () => {
    let most = await look()
    while (!state.isOver) {
      await delay(1)
      const found = await look()
      if (countedBytes(found) > countedBytes(most)) most = found
    }
    return most
  })()
  // It is awaited at the end.
  sampled.catch(() => undefined)
  return {
    most() {
      state.isOver = true
      return sampled
    },
  }
}

type Fields = Readonly<Record<string, unknown>>

const numberOf = (value: unknown): number => {
  assert(typeof value === 'number', `\`${String(value)}\` is a number of bytes`)
  return value
}

const addressAt = async (port: number): Promise<string> => {
  for (let look = 0; ; look += 1) {
    try {
      const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as readonly { readonly webSocketDebuggerUrl: string }[]
      return at(targets, 0).webSocketDebuggerUrl
    } catch (error) {
      // It listens before long.
      if (look === MOST_LOOKS) throw error
      await delay(LOOK_MS)
    }
  }
}

interface Message {
  readonly id?: number
  readonly params?: { readonly context?: { readonly id: number } }
  readonly result?: Fields
  readonly error?: { readonly message: string }
}

/** Calls of the Chrome DevTools protocol, and where expressions are evaluated: known once `Runtime` is enabled. */
const callsOver = (socket: WebSocket) => {
  const waiting = new Map<number, (message: Message) => void>()
  const context = Promise.withResolvers<number>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message
    if (message.params?.context !== undefined) context.resolve(message.params.context.id)
    if (message.id !== undefined) waiting.get(message.id)?.(message)
  })
  const call = async (method: string, params: Fields = {}): Promise<Fields> => {
    const id = (last += 1)
    const answered = Promise.withResolvers<Message>()
    waiting.set(id, answered.resolve)
    socket.send(JSON.stringify({ id, method, params }))
    try {
      const late = (): Error => new Error(`no answer to \`${method}\` for ${ANSWER_MS} ms`)
      const { result, error } = await within(() => answered.promise, ANSWER_MS, late)
      if (result === undefined) throw new Error(`\`${method}\` fails: ${error?.message ?? 'no result'}`)
      return result
    } finally {
      waiting.delete(id)
    }
  }
  return { call, context: context.promise }
}
