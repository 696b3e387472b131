/** Asks the admin API of a harness. */
import { createHash } from 'node:crypto'
import type { InnerReplicator } from '../../../src/log/inner.ts'
import type { EnvironmentBody, KeyBody, StatusBody } from '../../../src/wire/responses.ts'
import { createHarness, type Harness, type HarnessOptions } from './harness.ts'

export const adminKey = 'a_adminkeyofthetests0123456789'

export const adminHash = `sha256:${createHash('sha256').update(adminKey).digest('hex')}`

/** What any answer of the admin API may hold. */
export interface AdminBody extends EnvironmentBody, KeyBody, StatusBody {
  readonly message: string
  readonly key: string
  readonly environments: readonly (StatusBody['environments'][number] & EnvironmentBody)[]
}

export interface AdminAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: AdminBody & { readonly keys: number & readonly KeyBody[] }
}

export const createAdminHarness = async (replicator: InnerReplicator, options: HarnessOptions = {}): Promise<Harness> =>
  createHarness({ ...options, replicator, settings: { ARCTOS_ADMIN_KEY: adminHash, ...options.settings } })

export const askAdmin = async (
  http: Harness,
  /** Method and path. */
  what: string,
  body?: unknown,
  {
    key = adminKey,
    headers = {},
    raw,
  }: { readonly key?: string | null; readonly headers?: Record<string, string>; readonly raw?: string } = {},
): Promise<AdminAnswer> => {
  const [method = '', path = ''] = what.split(' ')
  const {
    status,
    headers: answered,
    text,
    body: parsed,
  } = await http.ask(method, path, body, { key, headers, ...(raw !== undefined && { raw }) })
  return { status, headers: answered, text, body: parsed as unknown as AdminAnswer['body'] }
}

export const createEnvironment = async (http: Harness, id: string, partition?: number): Promise<void> => {
  const { status, text } = await askAdmin(http, 'POST /v1/admin/environments', { id, partition })
  if (status !== 200) throw new Error(`create: ${status} ${text}`)
}

/** A new key of an environment. */
export const createKey = async (
  http: Harness,
  environment: string,
  access?: string,
): Promise<{ readonly key: string; readonly tokenId: string }> => {
  const { status, text, body } = await askAdmin(http, 'POST /v1/admin/keys', { environment, access })
  if (status !== 200) throw new Error(`key: ${status} ${text}`)
  return { key: body.key, tokenId: body.token_id }
}
