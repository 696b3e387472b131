/** A server of the load's requests over memory that does one thing wrong: what a chaos run is there to find. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export type Lie =
  | 'none'
  /** Acknowledges a write that it does not keep. */
  | 'loses writes'
  /** Answers from an old state whatever position is asked for. */
  | 'ignores positions'
  /** Answers from an old state and calls it new. */
  | 'hides staleness'
  /** Applies a batch in two steps that can be seen. */
  | 'tears batches'
  | 'decides wrongly'
  | 'gives a revision twice'
  /** Says that a write cannot be made, and makes it. */
  | 'writes what it refuses'
  | 'answers nobody'
  | 'answers nonsense'
  | 'tells no staleness'

type Facts = ReadonlySet<string>

interface State {
  readonly revision: number
  readonly facts: Facts
  readonly atMs: number
}

/** Every so many requests. */
const OFTEN = 7
const OLD_MS = 1500

export class LyingCell {
  readonly #lie: Lie
  #states: State[] = [{ revision: 0, facts: new Set(), atMs: performance.now() }]
  /** The last batch after its first half. */
  #torn: State | null = null
  #requests = 0

  /** Closed with the test. Resolves with its base URL. */
  static async start(lie: Lie): Promise<string> {
    const cell = new LyingCell(lie)
    const server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const { status, headers, text } = cell.#answer(request.url ?? '', body, request.headers['osooffset'])
        response.writeHead(status, headers).end(text)
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    })
    // The one cast: what a TCP server listens at.
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  private constructor(lie: Lie) {
    this.#lie = lie
  }

  #lies(lie: Lie): boolean {
    return this.#lie === lie && this.#requests % OFTEN === 0
  }

  #answer(path: string, body: unknown, position: unknown) {
    this.#requests++
    if (this.#lie === 'answers nobody') return refusal
    return path === '/api/batch' ? this.#write(body as readonly Changeset[]) : this.#read(path, body as Asked, position)
  }

  #write(changesets: readonly Changeset[]) {
    const last = this.#last
    const facts = new Set(last.facts)
    const atMs = performance.now()
    let revision = last.revision + 1
    for (const { deletes = [], inserts = [] } of changesets) {
      for (const fact of deletes) facts.delete(textOf(fact))
      if (deletes.length > 0) this.#torn = { revision, facts: new Set(facts), atMs }
      for (const fact of inserts) facts.add(textOf(fact))
    }
    if (this.#lies('gives a revision twice')) revision = last.revision
    this.#states.push({ revision, facts: this.#lies('loses writes') ? last.facts : facts, atMs })
    return this.#lies('writes what it refuses') ? refusal : { status: 200, headers: { OsoOffset: `log:${revision}` }, text: '{}' }
  }

  #read(path: string, { actor_id: user, resource_id: document }: Asked, position: unknown) {
    const isOld = this.#lies('ignores positions') ? position !== undefined : this.#lies('hides staleness')
    const { revision, facts } = isOld ? this.#old : this.#lies('tears batches') ? (this.#torn ?? this.#last) : this.#last
    const allowed = facts.has(`${user} ${document ?? ''}`) !== this.#lies('decides wrongly')
    const results = [...facts].flatMap((fact) => (fact.startsWith(`${user} `) ? [fact.slice(user.length + 1)] : []))
    const answer = path === '/api/list' ? { results: this.#lies('decides wrongly') ? [`${user}-0`, `${user}-1`] : results } : { allowed }
    const staleness = { 'Arctos-Staleness-Ms': isOld && this.#lie === 'ignores positions' ? 'unknown' : '0' }
    return {
      status: 200,
      headers: { 'Arctos-Revision': `log:${revision}`, ...(this.#lies('tells no staleness') ? {} : staleness) },
      text: this.#lies('answers nonsense') ? 'yes' : JSON.stringify(answer),
    }
  }

  get #last(): State {
    return this.#states.at(-1) as State
  }

  get #old(): State {
    const nowMs = performance.now()
    return this.#states.findLast(({ atMs }) => atMs < nowMs - OLD_MS) ?? this.#last
  }
}

interface Changeset {
  readonly deletes?: readonly Role[]
  readonly inserts?: readonly Role[]
}

interface Role {
  readonly args: readonly { readonly id: string }[]
}

interface Asked {
  readonly actor_id: string
  readonly resource_id?: string
}

const refusal = { status: 503, headers: { 'Retry-After': '1' }, text: JSON.stringify({ message: 'the log takes no writes at the moment' }) }

const textOf = ({ args }: Role): string => `${args[0]?.id ?? ''} ${args[2]?.id ?? ''}`

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return JSON.parse(text)
}
