/** An app over in-memory parts: everything but processes, threads and sockets is real. */
import { sqliteModule, trampolineModule } from '#wasm'
import { inMemoryReplicator } from '../../../replicator/in-process.ts'
import { createApp } from '../../../runtime/app.ts'
import { bootstrap } from '../../../runtime/bootstrap.ts'
import { Admin } from '../../../runtime/control-admin.ts'
import { createService } from '../../../runtime/create-service.ts'
import { ReplicaSet } from '../../../runtime/environments.ts'
import type { Route } from '../../../runtime/exchange.ts'
import { AdminKey, hashKey, type KeyAccess, KeyRing } from '../../../runtime/keys.ts'
import { type Platform, webPlatform } from '../../../runtime/platform.ts'
import { checkPolicyText } from '../../../runtime/policy-check.ts'
import type { PolicyChecker } from '../../../runtime/policy-checker.ts'
import type { Service } from '../../../runtime/service.ts'
import { createStorePool, type MeasuredStorePool } from '../../../snapshots/pool.ts'
import type { InnerReplicator } from '../../../src/log/inner.ts'
import { configure } from '../../../src/ops/configuration.ts'
import type { WriteLogLine } from '../../../src/ops/log-line.ts'
import { noMetrics } from '../../../src/ops/metrics.ts'
import type { Store } from '../../../src/store/facts.ts'
import { developmentKey } from '../../../src/wire/api-key.ts'
import { undescribed } from '../../support/described.ts'
import { type Body, type FactBody, factsIn } from './bodies.ts'

export const readOnlyKey = 'e_0123456789_reader_osoreadonlytoken01'
export const secondKey = 'e_second_1_secondenvironmentkey01'

const environments: Readonly<Record<string, { readonly environment: string; readonly tokenId: string; readonly access: KeyAccess }>> = {
  [readOnlyKey]: { environment: '0123456789', tokenId: 'reader', access: 'read-only' },
  [secondKey]: { environment: 'second', tokenId: '1', access: 'read-write' },
}

export interface HarnessOptions {
  /** Settings as environment variables. */
  readonly settings?: Readonly<Record<string, string>>
  readonly replicator?: InnerReplicator
  readonly platform?: Partial<Platform>
  readonly routes?: readonly Route[]
  /** How long nobody must have used an environment that is dropped from memory. */
  readonly idleMs?: number
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Body
}

export interface AskOptions {
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is. */
  readonly raw?: string | Uint8Array
}

/** An app in this process, or whatever answers by HTTP. */
export interface AskedApp {
  request(path: string, init: RequestInit): Response | Promise<Response>
}

/** Asks an app. */
export class Asker {
  readonly app: AskedApp
  /** What it asks with where nothing else is said. */
  readonly #key: string

  constructor(app: AskedApp, key: string = developmentKey) {
    this.app = app
    this.#key = key
  }

  async ask(method: string, path: string, body?: unknown, { key = this.#key, headers = {}, raw }: AskOptions = {}): Promise<Answer> {
    const init: RequestInit = { method, headers: { ...(key === null ? {} : { Authorization: `Bearer ${key}` }), ...headers } }
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    if (content !== undefined) init.body = typeof content === 'string' ? content : new Uint8Array(content)
    const response = await this.app.request(path, init)
    const text = await response.text()
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      parsed = undefined
    }
    const wrong = undescribed(method, path, response.status, parsed)
    if (wrong !== null) throw new Error(wrong)
    return { status: response.status, headers: response.headers, text, body: parsed as Body }
  }

  async get(path: string, options?: AskOptions): Promise<Answer> {
    return this.ask('GET', path, undefined, options)
  }

  async post(path: string, body?: unknown, options?: AskOptions): Promise<Answer> {
    return this.ask('POST', path, body, options)
  }

  /** Saves a policy and expects success. */
  async policy(src: string, options?: AskOptions): Promise<void> {
    const { status, text } = await this.post('/api/policy', { src }, options)
    if (status !== 200) throw new Error(`policy: ${status} ${text}`)
  }

  /** Inserts facts written as `has_role(User:ana, String:reader, Repo:r1)` and expects success. */
  async facts(...facts: string[]): Promise<void> {
    const { status, text } = await this.post('/api/batch', [{ inserts: facts.map(fact) }])
    if (status !== 200) throw new Error(`batch: ${status} ${text}`)
  }

  async authorize(question: string, contextFacts: readonly unknown[] = []): Promise<Answer> {
    return this.post('/api/authorize', { ...asked(question), context_facts: contextFacts })
  }

  async allowed(question: string, contextFacts: readonly unknown[] = []): Promise<boolean> {
    const { status, text, body } = await this.authorize(question, contextFacts)
    if (status !== 200) throw new Error(`authorize: ${status} ${text}`)
    return body.allowed
  }

  /** Every stored fact, as `fact` reads it. */
  async stored(query = '', options?: AskOptions): Promise<string[]> {
    const { body } = await this.get(`/api/facts${query === '' ? '' : `?${query}`}`, options)
    return factsIn(body).map(factText)
  }
}

export class Harness extends Asker {
  readonly service: Service
  readonly replicator: InnerReplicator
  readonly environments: ReplicaSet
  readonly pool: MeasuredStorePool
  readonly logged: { level: string; event: string; fields: unknown }[]

  constructor(parts: {
    service: Service
    replicator: InnerReplicator
    environments: ReplicaSet
    pool: MeasuredStorePool
    app: ReturnType<typeof createApp>
    logged: Harness['logged']
  }) {
    super(parts.app)
    this.service = parts.service
    this.replicator = parts.replicator
    this.environments = parts.environments
    this.pool = parts.pool
    this.logged = parts.logged
  }
}

/** `User:ana read Repo:r1`. */
export const asked = (question: string) => {
  const [actor, action, resource] = question.split(' ')
  const { type: actorType, id: actorId } = value(actor ?? '')
  const { type: resourceType, id: resourceId } = value(resource ?? '')
  return { actor_type: actorType, actor_id: actorId, action, resource_type: resourceType, resource_id: resourceId }
}

/** `Type:id`, `Type:_` or `_`. */
export const value = (text: string): { type: string | null; id: string | null } => {
  if (text === '_') return { type: null, id: null }
  const [type = '', ...rest] = text.split(':')
  const id = rest.join(':')
  return { type, id: id === '_' ? null : id }
}

export const fact = (text: string) => {
  const [, predicate, args] = /^(\w+)\((.*)\)$/s.exec(text) ?? []
  return { predicate, args: (args ?? '') === '' ? [] : (args ?? '').split(', ').map(value) }
}

export const factText = ({ predicate, args }: FactBody): string =>
  `${predicate}(${args.map(({ type, id }) => (type === null ? '_' : `${type}:${id ?? '_'}`)).join(', ')})`

export const createHarness = async ({
  settings = {},
  replicator,
  platform = {},
  routes = [],
  idleMs,
}: HarnessOptions = {}): Promise<Harness> => {
  const { configuration, problems } = configure({ ARCTOS_EXAMPLE: 'false', ...settings }, {})
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const logged: Harness['logged'] = []
  const log: WriteLogLine = (level, event, fields) => void logged.push({ level, event, fields })
  const used: Platform = { ...webPlatform(log, noMetrics), ...platform }
  const keys = new KeyRing(used.sha256)
  for (const [key, record] of Object.entries(environments)) keys.add({ ...record, hash: hashKey(used.sha256, key) })
  const pool = createStorePool({ sqlite: sqliteModule, trampoline: trampolineModule, maxBytes: 2 ** 30, nowMs: () => Date.now() })
  const inner = replicator ?? (await inMemoryReplicator({ pool }))
  const policies = localPolicies(pool.create())
  const replicas = new ReplicaSet({
    ...configuration,
    replicator: inner,
    platform: used,
    pool,
    policies,
    ...(idleMs !== undefined && { idleMs }),
  })
  const development = configuration.mode === 'development'
  const { example } = configuration
  const { control } = await bootstrap({ environments: replicas, keys, platform: used, development: true, example })
  const key = new AdminKey(used.sha256, configuration.adminKey)
  const admin = new Admin({ ...configuration, key, control, keys, environments: replicas, replicator: inner, platform: used, development })
  const service = createService({
    configuration,
    platform: used,
    keys,
    environments: replicas,
    policies,
    unready: () => replicas.problem() ?? control.problem(),
    admin,
  })
  return new Harness({ service, replicator: inner, environments: replicas, pool, app: createApp(service, routes), logged })
}

export const localPolicies = (store: Store): PolicyChecker => ({
  check: async (request) => checkPolicyText(request, { store, nowMs: Date.now, monotonicMs: () => performance.now() }),
  close: async () => {},
})
