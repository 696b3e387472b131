/** A client of the HTTP API over fetch: what the command line uses. It keeps the position of its last write, so that it reads its own writes. */
import { endpoints } from '../wire/endpoints.ts'
import type {
  AuthorizeBody,
  AuthorizedResourcesBody,
  EnvironmentDetailsBody,
  EvaluateQueryBody,
  ExplainBody,
  FactBody,
  FactPatternBody,
  FactsBody,
  ListBody,
  MessageBody,
  MetadataBody,
  PolicyBody,
  PolicyHistoryBody,
  PolicyTestResult,
  QueryBody,
  ResultsBody,
  StatsBody,
  ValueBody,
  ValuePatternBody,
} from '../wire/responses.ts'
import { type ClientOptions, Transport } from './transport.ts'

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

const PAGE_SIZE = 10_000

export class ArctosClient {
  readonly #transport: Transport

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options)
  }

  /** Resolves to false when the policy was the active one already. */
  async savePolicy(src: string, filename: string | null, flags: PolicyFlags = {}): Promise<MessageBody & { readonly changed: boolean }> {
    const { status, body } = await this.#transport.send<MessageBody>(endpoints.savePolicy, { src, filename }, flagText(flags))
    return { message: body.message, changed: status !== 202 }
  }

  async testPolicy(src: string, filename: string | null, flags: PolicyFlags = {}): Promise<PolicyTestResult> {
    return this.#transport.ask(endpoints.testPolicy, { src, filename }, flagText(flags))
  }

  async getPolicy(): Promise<PolicyBody['policy']> {
    return (await this.#transport.ask<PolicyBody>(endpoints.getPolicy)).policy
  }

  async policyMetadata(): Promise<MetadataBody['metadata']> {
    return (await this.#transport.ask<MetadataBody>(endpoints.policyMetadata)).metadata
  }

  async batch(changesets: readonly Changeset[]): Promise<MessageBody> {
    return this.#transport.ask(endpoints.batch, changesets)
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
    return this.#transport.ask(endpoints.getFacts, undefined, parameters.toString())
  }

  async clear(): Promise<MessageBody> {
    return this.#transport.ask(endpoints.clearData, {})
  }

  async authorize(actor: ValueBody, action: string, resource: ValueBody, contextFacts: readonly FactBody[] = []): Promise<boolean> {
    const body = { ...actorOf(actor), action, ...resourceOf(resource), context_facts: contextFacts }
    return (await this.#transport.ask<AuthorizeBody>(endpoints.authorize, body)).allowed
  }

  /** Why `authorize` answers as it does; without a resource, why a global permission is there or not. */
  async explain(
    actor: ValueBody,
    action: string,
    resource: ValueBody | null,
    contextFacts: readonly FactBody[] = [],
  ): Promise<ExplainBody> {
    const body = { ...actorOf(actor), action, ...(resource === null ? {} : resourceOf(resource)), context_facts: contextFacts }
    return this.#transport.ask(endpoints.explain, body)
  }

  async authorizeResources(
    actor: ValueBody,
    action: string,
    resources: readonly ValueBody[],
    contextFacts: readonly FactBody[] = [],
  ): Promise<readonly ValueBody[]> {
    const body = { ...actorOf(actor), action, resources, context_facts: contextFacts }
    return (await this.#transport.ask<AuthorizedResourcesBody>(endpoints.authorizeResources, body)).results
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
      const page: ListBody = await this.#transport.ask<ListBody>(endpoints.list, body)
      ids.push(...page.results)
      token = page.next_page_token ?? null
    } while (token !== null)
    return ids
  }

  async actions(actor: ValueBody, resource: ValueBody, contextFacts: readonly FactBody[] = []): Promise<readonly string[]> {
    const body = { ...actorOf(actor), ...resourceOf(resource), context_facts: contextFacts }
    return (await this.#transport.ask<ResultsBody>(endpoints.actions, body)).results
  }

  /** Derived facts of one predicate. */
  async query(pattern: FactPatternBody, contextFacts: readonly FactBody[] = []): Promise<QueryBody['results']> {
    return (await this.#transport.ask<QueryBody>(endpoints.query, { fact: pattern, context_facts: contextFacts })).results
  }

  async evaluateQuery({ calls, constraints, contextFacts = [] }: QueryRequest): Promise<EvaluateQueryBody['results']> {
    const [predicate, ...rest] = calls
    const body = { predicate, calls: rest, constraints, context_facts: contextFacts }
    return (await this.#transport.ask<EvaluateQueryBody>(endpoints.evaluateQuery, body)).results
  }

  /** Versions that are kept, newest first. */
  async policyHistory(): Promise<PolicyHistoryBody['versions']> {
    return (await this.#transport.ask<PolicyHistoryBody>(endpoints.policyHistory)).versions
  }

  async policyVersion(version: number): Promise<PolicyBody['policy']> {
    return (await this.#transport.ask<PolicyBody>(endpoints.getPolicy, undefined, `id=${version}`)).policy
  }

  async environment(): Promise<EnvironmentDetailsBody> {
    return this.#transport.ask(endpoints.inspectEnvironment)
  }

  async stats(): Promise<StatsBody> {
    return this.#transport.ask(endpoints.stats)
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
