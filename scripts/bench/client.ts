/** A client of one server of the bench: as many connections as it needs at once, each used again. */
import { assert } from '../../src/base/assert.ts'
import { type Answer, Connection, headerOf, requestBytes, type Sent, type Target } from './connection.ts'

/** An open loop against a server that stands still must end. */
const MOST_CONNECTIONS = 4096

export class Client {
  readonly #target: Target
  readonly #key: string
  readonly #idle: Connection[] = []
  #open = 0

  constructor(target: Target, key = '') {
    this.#target = target
    this.#key = key
  }

  /** Rejects when the connection cannot be made or breaks off. */
  async send(sent: Omit<Sent, 'key'>): Promise<Answer> {
    const request = requestBytes({ ...sent, ...(this.#key !== '' && { key: this.#key }) })
    const connection = this.#reused() ?? (await this.#connect())
    try {
      const answer = await connection.exchange(request)
      if (headerOf(answer, 'Connection')?.toLowerCase() === 'close') this.#drop(connection)
      else this.#idle.push(connection)
      return answer
    } catch (error) {
      this.#drop(connection)
      throw error
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

  #reused(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined || connection.isOpen) return connection
      this.#open -= 1
    }
  }

  #drop(connection: Connection): void {
    this.#open -= 1
    connection.close()
  }

  async #connect(): Promise<Connection> {
    assert(this.#open < MOST_CONNECTIONS, 'the server answers at all')
    this.#open += 1
    try {
      return await Connection.open(this.#target)
    } catch (error) {
      this.#open -= 1
      throw error
    }
  }
}
