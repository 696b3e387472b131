/** A client of the HTTP API over fetch: what the command line uses. It keeps the position of its last write, so that it reads its own writes. */
import { type Endpoint, endpoints } from '../wire/endpoints.ts'
import type {
  AuthorizeBody,
  AuthorizedResourcesBody,
  EvaluateQueryBody,
  FactBody,
  FactPatternBody,
  FactsBody,
  ListBody,
  MessageBody,
  MetadataBody,
  PolicyBody,
  PolicyTestResult,
  QueryBody,
  ResultsBody,
  StatsBody,
  ValueBody,
  ValuePatternBody,
} from '../wire/responses.ts'

export interface ClientOptions {
  /** Base URL of the server, without `/api`. */
  readonly url: string
  readonly key: string
  /** How long an answer may take. */
  readonly timeoutMs?: number
}

/** An answer that is no success; `body` is the whole error object. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  /** 0 when the server could not be reached. */
  readonly status: number
  readonly body: unknown
  constructor(status: number, message: string, body: unknown, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.body = body
  }
}

export interface PolicyFlags {
  readonly force?: boolean
  readonly failFast?: boolean
  readonly showSuggestions?: boolean
}

export interface QueryRequest {
  /** The main predicate first, each with its variables. */
  readonly calls: readonly (readonly [string, readonly string[]])[]
  readonly constraints: Readonly<Record<string, { readonly type: string; readonly ids: readonly string[] | null }>>
  readonly contextFacts?: readonly FactBody[]
}

export type Changeset = { readonly inserts: readonly FactBody[] } | { readonly deletes: readonly FactPatternBody[] }

const TIMEOUT_MS = 30_000
const PAGE_SIZE = 10_000

export class ArctosClient {
  readonly #options: ClientOptions
  #offset: string | null = null

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Resolves to false when the policy was the active one already. */
  async savePolicy(src: string, filename: string | null, flags: PolicyFlags = {}): Promise<MessageBody & { readonly changed: boolean }> {
    const { status, body } = await this.#send<MessageBody>(endpoints.savePolicy, { src, filename }, flagText(flags))
    return { message: body.message, changed: status !== 202 }
  }

  async testPolicy(src: string, filename: string | null, flags: PolicyFlags = {}): Promise<PolicyTestResult> {
    return this.#ask(endpoints.testPolicy, { src, filename }, flagText(flags))
  }

  async getPolicy(): Promise<PolicyBody['policy']> {
    return (await this.#ask<PolicyBody>(endpoints.getPolicy)).policy
  }

  async policyMetadata(): Promise<MetadataBody['metadata']> {
    return (await this.#ask<MetadataBody>(endpoints.policyMetadata)).metadata
  }

  async batch(changesets: readonly Changeset[]): Promise<MessageBody> {
    return this.#ask(endpoints.batch, changesets)
  }

  async insert(fact: FactBody): Promise<MessageBody> {
    return this.batch([{ inserts: [fact] }])
  }

  async delete(pattern: FactPatternBody): Promise<MessageBody> {
    return this.batch([{ deletes: [pattern] }])
  }

  /** Facts with at least as many arguments as the pattern; a null predicate asks for all. */
  async facts(predicate: string | null, args: readonly ValuePatternBody[]): Promise<FactsBody> {
    const parameters = new URLSearchParams(predicate === null ? {} : { predicate })
    for (const [index, { type, id }] of args.entries()) {
      if (type !== null) parameters.set(`args.${index}.type`, type)
      if (id !== null) parameters.set(`args.${index}.id`, id)
    }
    return this.#ask(endpoints.getFacts, undefined, parameters.toString())
  }

  async clear(): Promise<MessageBody> {
    return this.#ask(endpoints.clearData, {})
  }

  async authorize(actor: ValueBody, action: string, resource: ValueBody, contextFacts: readonly FactBody[] = []): Promise<boolean> {
    const body = { ...actorOf(actor), action, ...resourceOf(resource), context_facts: contextFacts }
    return (await this.#ask<AuthorizeBody>(endpoints.authorize, body)).allowed
  }

  async authorizeResources(
    actor: ValueBody,
    action: string,
    resources: readonly ValueBody[],
    contextFacts: readonly FactBody[] = [],
  ): Promise<readonly ValueBody[]> {
    const body = { ...actorOf(actor), action, resources, context_facts: contextFacts }
    return (await this.#ask<AuthorizedResourcesBody>(endpoints.authorizeResources, body)).results
  }

  /** All ids, fetched page by page. */
  async list(actor: ValueBody, action: string, resourceType: string, contextFacts: readonly FactBody[] = []): Promise<readonly string[]> {
    const ids: string[] = []
    let token: string | null = null
    do {
      const body = {
        ...actorOf(actor),
        action,
        resource_type: resourceType,
        context_facts: contextFacts,
        page_size: PAGE_SIZE,
        page_token: token,
      }
      const page: ListBody = await this.#ask<ListBody>(endpoints.list, body)
      ids.push(...page.results)
      token = page.next_page_token ?? null
    } while (token !== null)
    return ids
  }

  async actions(actor: ValueBody, resource: ValueBody, contextFacts: readonly FactBody[] = []): Promise<readonly string[]> {
    const body = { ...actorOf(actor), ...resourceOf(resource), context_facts: contextFacts }
    return (await this.#ask<ResultsBody>(endpoints.actions, body)).results
  }

  /** Derived facts of one predicate. */
  async query(pattern: FactPatternBody, contextFacts: readonly FactBody[] = []): Promise<QueryBody['results']> {
    return (await this.#ask<QueryBody>(endpoints.query, { fact: pattern, context_facts: contextFacts })).results
  }

  async evaluateQuery({ calls, constraints, contextFacts = [] }: QueryRequest): Promise<EvaluateQueryBody['results']> {
    const [predicate, ...rest] = calls
    const body = { predicate, calls: rest, constraints, context_facts: contextFacts }
    return (await this.#ask<EvaluateQueryBody>(endpoints.evaluateQuery, body)).results
  }

  async stats(): Promise<StatsBody> {
    return this.#ask(endpoints.stats)
  }

  async #ask<T>(endpoint: Endpoint, body?: unknown, query = ''): Promise<T> {
    return (await this.#send<T>(endpoint, body, query)).body
  }

  async #send<T>(endpoint: Endpoint, body: unknown, query: string): Promise<{ readonly status: number; readonly body: T }> {
    const response = await this.#fetch(endpoint, body, query)
    const text = await response.text()
    const parsed = parsedOf(text)
    if (!response.ok) throw new ClientError(response.status, messageOf(parsed) ?? `the server answered ${response.status}`, parsed)
    const offset = response.headers.get('OsoOffset')
    if (offset !== null) this.#offset = offset
    // The one cast: what a server of this API answers to this endpoint.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return { status: response.status, body: parsed as T }
  }

  async #fetch({ method, path }: Endpoint, body: unknown, query: string): Promise<Response> {
    const { url, key, timeoutMs = TIMEOUT_MS } = this.#options
    const headers = new Headers({ Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', 'X-Request-ID': crypto.randomUUID() })
    if (this.#offset !== null) headers.set('OsoOffset', this.#offset)
    const target = `${url.replace(/\/+$/, '')}${path}${query === '' ? '' : `?${query}`}`
    try {
      return await fetch(target, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
    } catch (cause) {
      throw new ClientError(0, `the server at ${url} cannot be reached`, null, { cause })
    }
  }
}

const actorOf = ({ type, id }: ValueBody) => ({ actor_type: type, actor_id: id })

const resourceOf = ({ type, id }: ValueBody) => ({ resource_type: type, resource_id: id })

const flagText = ({ force = false, failFast = false, showSuggestions = false }: PolicyFlags): string => {
  const flags = { force, fail_fast: failFast, show_suggestions: showSuggestions }
  return Object.entries(flags)
    .filter(([, set]) => set)
    .map(([flag]) => `${flag}=true`)
    .join('&')
}

const parsedOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const messageOf = (body: unknown): string | null =>
  typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string' ? body.message : null
