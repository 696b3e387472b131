/** Which broker is asked first: each in turn, those that are named and those that the brokers tell of. */
import { isIPv6 } from 'node:net'
import type { NamedBroker } from './kafka-protocol.ts'

/** Of those that are not named: enough to find one that answers, where clusters may have hundreds. */
const TOLD = 16

/** All asking the same broker would take it at its word: one that is cut off from the others, and not from here, names leaders of the past. */
export class BrokerRotation {
  readonly #named: readonly string[]
  #told: readonly string[] = []

  /** `host:port`, at least one. */
  constructor(named: readonly string[]) {
    this.#named = named
  }

  /** All of them, another one first each turn. */
  from(turn: number): readonly string[] {
    const brokers = [...this.#named, ...this.#told]
    const first = turn % brokers.length
    return [...brokers.slice(first), ...brokers.slice(0, first)]
  }

  /** What a broker says of which there are; in place of what one said before. */
  told(brokers: readonly NamedBroker[]): void {
    const addresses = brokers.map(({ host, port }) => `${isIPv6(host) ? `[${host}]` : host}:${port}`)
    const others = new Set(addresses.filter((address) => !this.#named.includes(address)))
    this.#told = [...others].slice(0, TOLD)
  }
}
