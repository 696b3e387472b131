/** The serving thread's side of the policy worker: one policy at a time, a bounded queue, and a new worker when one hangs. */
import { Worker } from 'node:worker_threads'
import type { WasmModules } from '../../snapshots/pool.ts'
import { assert } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import { overBudget } from '../policy-check.ts'
import type { PolicyChecker, PolicyCheckRequest, PolicyReport } from '../policy-checker.ts'

/** Policies that wait for the worker. */
const QUEUE = 16
/** The worker ends its own tests in time; only what it cannot interrupt is ended from here. */
const SLACK_MS = 250

interface Job {
  readonly request: PolicyCheckRequest
  readonly resolve: (report: PolicyReport) => void
  readonly reject: (error: unknown) => void
}

interface Answer {
  readonly ready?: true
  readonly report?: PolicyReport
  readonly failure?: string
}

export class PolicyThread implements PolicyChecker {
  readonly #script: URL
  readonly #modules: WasmModules
  readonly #log: WriteLogLine
  #worker: Worker
  #ready = false
  #queue: Job[] = []
  #running: Job | null = null
  #timer: NodeJS.Timeout | undefined
  #open = true

  /** `script` is another worker in tests of workers that hang or crash. */
  constructor(modules: WasmModules, log: WriteLogLine, script = new URL('./policy-worker.ts', import.meta.url)) {
    this.#script = script
    this.#modules = modules
    this.#log = log
    this.#worker = this.#start()
  }

  check(request: PolicyCheckRequest): Promise<PolicyReport> {
    if (!this.#open) return Promise.reject(new ApiError('unavailable', 'the server is shutting down'))
    if (this.#queue.length >= QUEUE) return Promise.reject(new ApiError('unavailable', 'too many policies are waiting to be checked'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject })
      this.#next()
    })
  }

  async close(): Promise<void> {
    this.#open = false
    clearTimeout(this.#timer)
    await this.#worker.terminate()
    for (const { reject } of this.#queue) reject(new ApiError('unavailable', 'the server is shutting down'))
    this.#running?.reject(new ApiError('unavailable', 'the server is shutting down'))
  }

  #start(): Worker {
    this.#ready = false
    const worker = new Worker(this.#script, { workerData: this.#modules })
    worker.on('message', (answer: Answer) => this.#answered(answer))
    worker.on('error', (error) => this.#log('error', 'policy-worker-failed', { message: error.message }))
    worker.on('exit', () => this.#exited(worker))
    return worker
  }

  #next(): void {
    if (!this.#ready || this.#running !== null) return
    const job = this.#queue.shift()
    if (job === undefined) return
    this.#running = job
    this.#worker.postMessage(job.request)
    this.#timer = setTimeout(() => this.#hangs(), limits.policyTestMs + SLACK_MS)
  }

  #answered({ ready, report, failure }: Answer): void {
    if (ready) this.#ready = true
    else {
      const job = this.#end()
      if (report !== undefined) job.resolve(report)
      else job.reject(new Error(`the policy worker failed: ${failure ?? 'no reason given'}`))
    }
    this.#next()
  }

  #hangs(): void {
    this.#log('warn', 'policy-worker-replaced', { reason: 'a policy took longer than its budget' })
    this.#end().resolve({ kind: 'over-budget', message: overBudget })
    // Its exit starts the next one.
    void this.#worker.terminate()
    this.#ready = false
  }

  #exited(worker: Worker): void {
    if (!this.#open || worker !== this.#worker) return
    this.#running?.reject(new ApiError('unavailable', 'the policy checker stopped, try again'))
    this.#running = null
    clearTimeout(this.#timer)
    this.#worker = this.#start()
  }

  #end(): Job {
    const job = this.#running
    assert(job !== null, 'an answer belongs to a running job')
    this.#running = null
    clearTimeout(this.#timer)
    return job
  }
}
