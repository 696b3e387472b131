/** What the client of the inner interface asks of its transport: the part of `fetch` that it uses, and connections over which both sides speak. */

export type InnerFetch = (url: string, request: InnerRequest) => Promise<InnerResponse>

export interface InnerRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
  /** The protocol that the connection shall be upgraded to, if the other side does that. */
  readonly upgrade?: string
}

export interface InnerResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  /** Breaks off with an error when the connection does. */
  readonly body: AsyncIterable<Uint8Array> | null
  text(): Promise<string>
  /** Of an upgraded connection, whose status is 101: what is said there from now on. False: the connection is gone, and nothing was sent. It never throws. */
  readonly send?: (text: string) => boolean
}

/** Nothing of the request has left: nobody listens there. Every other failure may come after the request took effect. */
export class UnsentError extends Error {
  override readonly name = 'UnsentError'
}
