/** The requests of one isolate: the first one loads what it answers from, and later ones look for what is new, behind their answers. */
import { atMost, wait } from '../../snapshots/deadline.ts'
import type { WasmModules } from '../../snapshots/pool.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { collapsedPath } from '../app-core.ts'
import type { Route } from '../exchange.ts'
import { buildEdge, type WorkerEdge } from './build.ts'
import type { WorkerBindings } from './settings.ts'

/** The part of the context of a request that is used. */
export interface RequestContext {
  waitUntil(work: Promise<unknown>): void
}

export interface Isolate {
  fetch(request: Request, bindings: WorkerBindings, context: RequestContext): Promise<Response>
}

/** Nothing is begun before the first request: outside of requests there is no I/O. `routes`: beside those of an edge. */
export const createIsolate = (modules: WasmModules, routes: readonly Route[] = []): Isolate => {
  let built: Requests | { readonly problems: readonly string[] } | null = null
  return {
    fetch(request, bindings, context) {
      if (built === null) {
        const edge = buildEdge(bindings, modules, routes)
        built = 'problems' in edge ? edge : new Requests(edge)
      }
      return 'problems' in built ? Promise.resolve(unusable(built.problems)) : built.answer(request, context)
    },
  }
}

/** After the answer a request lives for 30 s at most. */
const AFTER_MS = 25_000
/** Between two looks at whether somebody else's work is done. */
const LOOK_MS = 50
/** Longest wait of a question for the health until it is known how old the state is: that takes two heartbeats. */
const HEALTH_MS = 5000

const health: ReadonlySet<string> = new Set([endpoints.ready.path, endpoints.healthcheck.path])

class Requests {
  readonly #parts: WorkerEdge
  /** When a look was begun last, on the monotonic clock. */
  #begunMs = Number.NEGATIVE_INFINITY
  /** When a request waited for a look in vain: the others need not. */
  #gaveUpMs = Number.NEGATIVE_INFINITY

  constructor(parts: WorkerEdge) {
    this.#parts = parts
  }

  async answer(request: Request, context: RequestContext): Promise<Response> {
    const answered = this.#answer(request)
    // From the start: whoever asks may go away, and what was begun has to go on.
    context.waitUntil(answered.then(this.#goOn, this.#goOn))
    return answered
  }

  async #answer(request: Request): Promise<Response> {
    const { edge } = this.#parts
    const waiting = this.#prepare(request)
    if (waiting !== null) await waiting
    return edge.app().fetch(request)
  }

  /** What has to be there before an answer makes sense. */
  #prepare(request: Request): Promise<unknown> | null {
    const { edge, platform, loadWaitMs, idleMs, configuration } = this.#parts
    const nowMs = platform.monotonicMs()
    if (!edge.isStarted()) return this.#isDue(nowMs) || edge.environments.isLooking ? atMost(this.#look(), loadWaitMs) : null
    if (health.has(collapsedPath(request))) return this.#becomeReady()
    // Keys may have been revoked meanwhile.
    const isIdle = nowMs - (edge.environments.lookedAtMs ?? 0) > idleMs && nowMs - this.#gaveUpMs > idleMs
    return isIdle ? this.#waitForLook(configuration.tokenWaitMs) : null
  }

  async #waitForLook(timeoutMs: number): Promise<void> {
    const { edge, platform } = this.#parts
    await atMost(this.#look(), timeoutMs)
    if (edge.environments.isLooking) this.#gaveUpMs = platform.monotonicMs()
  }

  async #becomeReady(): Promise<void> {
    const { edge, configuration } = this.#parts
    const pauseMs = Math.max(LOOK_MS, configuration.refreshMs)
    for (let waitedMs = 0; edge.environments.problem() !== null && waitedMs < HEALTH_MS; waitedMs += pauseMs) {
      await atMost(this.#look(), HEALTH_MS)
      if (edge.environments.problem() !== null) await wait(pauseMs)
    }
  }

  /** Behind the answer: looks for what is new when it is time, and stays as long as there is work. */
  readonly #goOn = async (): Promise<void> => {
    const { edge, platform } = this.#parts
    const looked = this.#isDue(platform.monotonicMs()) && !edge.environments.isLooking ? this.#look() : Promise.resolve()
    await atMost(looked, AFTER_MS)
    for (let waitedMs = 0; edge.environments.isLooking && waitedMs < AFTER_MS; waitedMs += LOOK_MS) await wait(LOOK_MS)
  }

  #isDue(nowMs: number): boolean {
    return nowMs - this.#begunMs >= this.#parts.configuration.refreshMs
  }

  #look(): Promise<void> {
    this.#begunMs = this.#parts.platform.monotonicMs()
    return this.#parts.edge.look()
  }
}

const unusable = (problems: readonly string[]): Response =>
  Response.json({ message: `this Worker is not configured: ${problems.join('; ')}` }, { status: 503 })
