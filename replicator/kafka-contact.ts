/** The first contact to brokers of which several are named: with the first that answers, however many are dead or stand still. */
import { at } from '../src/base/assert.ts'
import { Pauses } from './kafka-deadline.ts'
import { isRefusedConnection, protocolCode } from './kafka-failure.ts'

/** A client on its way to a broker. */
export interface Contact<C> {
  readonly connected: Promise<C>
  /** At once, whatever it waits for: kafkajs alone waits for the answer of a stopped broker. */
  readonly end: () => void
}

/** A broker that has not answered by then is not waited for alone. */
const NEXT_MS = 500

/** Dials one broker after the other: the next one when the last has failed, or has not answered for a moment. The first that answers is kept, the others
 * are ended. Rejects when none answers, with what tells most. */
export const firstContact = <C>(brokers: readonly string[], dial: (broker: string) => Contact<C>): Contact<C> => {
  const pauses = new Pauses()
  const dialed: Contact<C>[] = []
  const errors: unknown[] = []
  let isOver = false
  const end = (kept: Contact<C> | null): void => {
    isOver = true
    pauses.end()
    for (const contact of dialed) if (contact !== kept) contact.end()
  }
  const ask = async (broker: string): Promise<C> => {
    const contact = dial(broker)
    dialed.push(contact)
    try {
      const client = await contact.connected
      if (isOver) throw new Error('given up, another broker answered first')
      end(contact)
      return client
    } catch (error) {
      errors.push(error)
      contact.end()
      throw error
    }
  }
  const askFrom = async (index: number): Promise<C> => {
    const answer = ask(at(brokers, index))
    if (index === brokers.length - 1) return answer
    const next = async (): Promise<C> => {
      await Promise.race([pauses.wait(NEXT_MS), answer.catch(() => undefined)])
      return isOver ? answer : askFrom(index + 1)
    }
    return Promise.any([answer, next()])
  }
  const connected = askFrom(0).catch(() => {
    throw mostTelling(errors)
  })
  return { connected, end: () => end(null) }
}

/** An answer of a broker rather than that there was none. */
const mostTelling = (errors: readonly unknown[]): unknown =>
  errors.find((error) => protocolCode(error) !== null || isRefusedConnection(error)) ?? errors[0]
