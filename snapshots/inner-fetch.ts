/** What the client of the inner interface asks of its transport: the part of `fetch` that it uses, so that `fetch` itself will do. */

export type InnerFetch = (url: string, request: InnerRequest) => Promise<InnerResponse>

export interface InnerRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

export interface InnerResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  /** Breaks off with an error when the connection does. */
  readonly body: AsyncIterable<Uint8Array> | null
  text(): Promise<string>
}

/** Nothing of the request has left: nobody listens there. Every other failure may come after the request took effect. */
export class UnsentError extends Error {
  override readonly name = 'UnsentError'
}
