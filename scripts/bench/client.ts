/** A client of one server of the bench: as many connections as it needs at once, each used again. */
import { Turns } from '../../snapshots/turns.ts'
import { assert } from '../../src/base/assert.ts'
import { type Answer, Connection, headerOf, requestBytes, type Sent, type Target } from './connection.ts'

/** An open loop against a server that stands still goes on, and its requests wait here: that time is theirs, too. */
const MOST_CONNECTIONS = 512
/** More than a minute of any loop: nothing is answered at all. */
const MOST_WAITING = 50_000

export class Client {
  readonly #target: Target
  readonly #key: string
  readonly #idle: Connection[] = []
  readonly #turns = new Turns(MOST_CONNECTIONS)
  #waiting = 0

  constructor(target: Target, key = '') {
    this.#target = target
    this.#key = key
  }

  /** Rejects when the connection cannot be made or breaks off. */
  async send(sent: Omit<Sent, 'key'>): Promise<Answer> {
    const request = requestBytes({ ...sent, ...(this.#key !== '' && { key: this.#key }) })
    assert(this.#waiting < MOST_WAITING, 'the server answers at all')
    this.#waiting += 1
    try {
      return await this.#turns.run(() => this.#exchange(request))
    } finally {
      this.#waiting -= 1
    }
  }

  /** The answer to what must succeed. */
  async ask(sent: Omit<Sent, 'key'>): Promise<Answer> {
    const answer = await this.send(sent)
    assert(answer.status === 200, `${sent.path} is answered 200, found ${answer.status} ${answer.body}`)
    return answer
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.close()
  }

  async #exchange(request: Buffer): Promise<Answer> {
    const connection = this.#reused() ?? (await Connection.open(this.#target))
    try {
      const answer = await connection.exchange(request)
      if (headerOf(answer, 'Connection')?.toLowerCase() === 'close') connection.close()
      else this.#idle.push(connection)
      return answer
    } catch (error) {
      connection.close()
      throw error
    }
  }

  #reused(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined || connection.isOpen) return connection
    }
  }
}
