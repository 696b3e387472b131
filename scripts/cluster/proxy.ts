/** A TCP proxy on loopback whose network can be made slow, narrow or broken. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** `silent`: nothing arrives any more, connections stay; `reset`: connections break, and new ones are refused. */
export type Network =
  | { readonly kind: 'whole' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'narrow'; readonly bytesPerSecond: number }

export const whole: Network = { kind: 'whole' }

const LOOK_MS = 10
/** The longest wait for one chunk of a narrow network. */
const LONGEST_MS = 1000

export class Proxy {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #target = 0
  #network: Network = whole

  /** Listens on that port. Without a target connections are refused. */
  static async start(port: number): Promise<Proxy> {
    const server = createServer()
    const proxy = new Proxy(server, port)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    return proxy
  }

  private constructor(server: Server, port: number) {
    this.port = port
    this.#server = server
    server.on('connection', (socket) => this.#accept(socket))
  }

  get network(): Network {
    return this.#network
  }

  set network(network: Network) {
    this.#network = network
    if (network.kind === 'reset') this.#breakAll()
  }

  /** Port of loopback that connections go to. */
  set target(port: number) {
    this.#target = port
  }

  async close(): Promise<void> {
    this.#network = { kind: 'reset' }
    this.#breakAll()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }

  #breakAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  #accept(near: Socket): void {
    if (this.#network.kind === 'reset' || this.#target === 0) {
      near.on('error', () => undefined)
      near.resetAndDestroy()
      return
    }
    const far = connect({ host: '127.0.0.1', port: this.#target, noDelay: true })
    near.setNoDelay(true)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      // What broke on one side breaks on the other.
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      void this.#pass(from, to)
    }
  }

  async #pass(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        await this.#travel(chunk.length, to)
        if (to.destroyed) return
        if (!to.write(chunk)) {
          await new Promise((resolve) => {
            to.once('drain', resolve).once('close', resolve)
          })
        }
      }
      to.end()
    } catch {
      // The connection broke: its `error` event has broken the other side.
      to.destroy()
    }
  }

  async #travel(bytes: number, to: Socket): Promise<void> {
    if (this.#network.kind === 'slow') await pause(this.#network.delayMs)
    if (this.#network.kind === 'narrow') await pause(Math.min(LONGEST_MS, (bytes * 1000) / this.#network.bytesPerSecond))
    while (this.#network.kind === 'silent' && !to.destroyed) await pause(LOOK_MS)
  }
}
