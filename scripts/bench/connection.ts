/** One connection to a server on this machine, one request at a time on it. */
import { connect, type Socket } from 'node:net'
import { assert } from '../../src/base/assert.ts'

export type Target = { readonly port: number } | { readonly path: string }

export interface Answer {
  readonly status: number
  /** Status line and headers. */
  readonly head: string
  readonly body: string
}

export class Connection {
  readonly #socket: Socket

  /** Rejects when nobody listens. */
  static open(target: Target): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const place = 'port' in target ? { host: '127.0.0.1', port: target.port } : { path: target.path }
      const socket = connect({ ...place, noDelay: true }, () => {
        socket.off('error', reject)
        // Told by `close`, which comes after it.
        socket.on('error', () => {})
        resolve(new Connection(socket))
      })
      socket.once('error', reject)
    })
  }

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Servers close what was idle for long. */
  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.readable
  }

  /** Sends one request and resolves with its answer; rejects when the server closes the connection. */
  exchange(request: Buffer): Promise<Answer> {
    const socket = this.#socket
    if (!this.isOpen) return Promise.reject(new Error('the server closed the connection'))
    return new Promise((resolve, reject) => {
      let text = ''
      const done = (finish: () => void): void => {
        socket.off('data', onData)
        socket.off('close', onClose)
        finish()
      }
      const onData = (chunk: Buffer): void => {
        try {
          text += chunk.toString('latin1')
          const answer = answerOf(text)
          if (answer !== null) done(() => resolve(answer))
        } catch (error) {
          done(() => reject(error instanceof Error ? error : new Error(String(error))))
        }
      }
      const onClose = (): void => done(() => reject(new Error('the server closed the connection')))
      socket.on('data', onData)
      socket.on('close', onClose)
      socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

export interface Sent {
  readonly path: string
  readonly key?: string
  /** Null: a GET. */
  readonly body: string | null
  /** Of a read. */
  readonly token?: string
}

export const requestBytes = ({ path, key, body, token }: Sent): Buffer => {
  const lines = [
    `${body === null ? 'GET' : 'POST'} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(key === undefined ? [] : [`Authorization: Bearer ${key}`]),
    ...(token === undefined ? [] : [`OsoOffset: ${token}`]),
    ...(body === null ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
}

export const headerOf = ({ head }: Answer, name: string): string | null =>
  new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? null

/** The complete answer at the start of the text, or null when more must arrive. */
const answerOf = (text: string): Answer | null => {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return null
  const head = text.slice(0, end)
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  assert(length !== undefined, `a response says how long it is: ${text}`)
  const body = text.slice(end + 4)
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
  return body.length < Number(length) ? null : { status, head, body }
}
