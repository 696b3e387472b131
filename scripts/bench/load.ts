/** Drives the load worker: bounded rounds of requests against a server on this machine. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface LoadTarget {
  readonly port: number
  readonly key: string
}

/** A body to post, and the body that must come back; null: any. */
export interface Exchange {
  readonly body: string
  readonly answer: string | null
}

export interface LoadRequest {
  readonly path: string
  readonly connections: number
  readonly exchanges: readonly Exchange[]
}

export interface LoadResult {
  readonly seconds: number
  readonly latenciesMs: readonly number[]
  readonly wrong: number
}

export class Load {
  readonly #worker: Worker

  constructor(target: LoadTarget) {
    this.#worker = new Worker(new URL('load-worker.ts', import.meta.url), { workerData: target })
  }

  /** One round; rejects when a request fails or an answer is wrong. One round at a time. */
  async run(request: LoadRequest): Promise<LoadResult> {
    const result = await new Promise<LoadResult | { readonly failed: string }>((resolve, reject) => {
      this.#worker.once('error', reject)
      this.#worker.once('message', (found: LoadResult | { readonly failed: string }) => {
        this.#worker.off('error', reject)
        resolve(found)
      })
      this.#worker.postMessage(request)
    })
    if ('failed' in result) throw new Error(`${request.path}: ${result.failed}`)
    if (result.wrong > 0) throw new Error(`${request.path}: ${result.wrong} of ${request.exchanges.length} answers are wrong`)
    return result
  }

  async close(): Promise<void> {
    const ended = once(this.#worker, 'exit')
    this.#worker.postMessage(null)
    await ended
  }
}
