/** A client of the admin API over fetch: environments, keys, snapshots. */
import { endpoints } from '../wire/endpoints.ts'
import type {
  CreatedKeyBody,
  EnvironmentBody,
  EnvironmentsBody,
  KeyBody,
  KeysBody,
  MessageBody,
  RestoredBody,
  SnapshotBody,
  StatusBody,
} from '../wire/responses.ts'
import { type ClientOptions, Transport } from './transport.ts'

/** Cutting and loading a snapshot takes seconds per million facts. */
const SNAPSHOT_MS = 310_000

/** `applied` false: durable, and not yet in effect at the server that answered. */
export type Effective<T> = T & { readonly applied: boolean }

export class AdminClient {
  readonly #transport: Transport
  readonly #slow: Transport

  /** `key` is the admin key. */
  constructor(options: ClientOptions) {
    this.#transport = new Transport(options)
    this.#slow = new Transport({ timeoutMs: SNAPSHOT_MS, ...options })
  }

  async status(): Promise<StatusBody> {
    return this.#transport.ask(endpoints.status)
  }

  async environments(): Promise<EnvironmentsBody['environments']> {
    return (await this.#transport.ask<EnvironmentsBody>(endpoints.listEnvironments)).environments
  }

  /** One that exists is answered as it is. */
  async createEnvironment(id: string, partition: number | null = null): Promise<Effective<EnvironmentBody>> {
    return effective(await this.#transport.send<EnvironmentBody>(endpoints.createEnvironment, { id, partition }))
  }

  async deleteEnvironment(id: string): Promise<Effective<MessageBody>> {
    return effective(await this.#transport.send<MessageBody>(endpoints.deleteEnvironment, { id }))
  }

  async keys(environment: string | null = null): Promise<KeysBody['keys']> {
    const query = environment === null ? '' : new URLSearchParams({ environment }).toString()
    return (await this.#transport.ask<KeysBody>(endpoints.listKeys, undefined, query)).keys
  }

  /** The only answer that holds the key. */
  async createKey(environment: string, access: KeyBody['access']): Promise<Effective<CreatedKeyBody>> {
    return effective(await this.#transport.send<CreatedKeyBody>(endpoints.createKey, { environment, access }))
  }

  async revokeKey(environment: string, tokenId: string): Promise<Effective<MessageBody>> {
    return effective(await this.#transport.send<MessageBody>(endpoints.revokeKey, { environment, token_id: tokenId }))
  }

  async snapshot(environment: string): Promise<SnapshotBody> {
    return this.#slow.ask(endpoints.publishSnapshot, { environment })
  }

  async restore(environment: string, revision: number): Promise<Effective<RestoredBody>> {
    return effective(await this.#slow.send<RestoredBody>(endpoints.restoreEnvironment, { environment, revision }))
  }
}

const effective = <T>({ body, applied }: { readonly body: T; readonly applied: boolean }): Effective<T> => ({ ...body, applied })
