/** The isolated environments of POST /test_environment: in memory, with a key of their own, until the process stops. */
import type { Change } from '../src/log/record.ts'
import { ApiError } from '../src/wire/api-error.ts'
import { developmentEnvironment } from '../src/wire/api-key.ts'
import { hashKey } from './keys.ts'
import type { Environment, Service } from './service.ts'

/** Facts per record of a copy. */
const COPIED_FACTS = 500

/** Makes one and returns its key; `copy` starts it with the policy and facts of the default environment. */
export const createTestEnvironment = async (service: Service, copy: boolean): Promise<string> => {
  const { platform, environments, keys } = service
  const letters = (): string => platform.newId().replaceAll('-', '')
  const id = `testenv${letters().slice(0, 11)}`
  const environment = await environments.createTemporary(id)
  const source = copy ? (environments.find(developmentEnvironment) ?? (await environments.load?.(developmentEnvironment))) : undefined
  if (source !== undefined) await copyInto(environment, source, service)
  const tokenId = letters().slice(0, 8)
  const key = `e_${id}_${tokenId}_${letters()}`
  keys.add({ environment: id, tokenId, access: 'read-write', hash: hashKey(platform.sha256, key) })
  return key
}

const copyInto = async (target: Environment, source: Environment, { limits, platform }: Service): Promise<void> => {
  const policy = source.store.activePolicy()
  const facts = source.store.facts({ predicate: null, args: [] }, false, limits.getFacts + 1)
  if (facts.length > limits.getFacts) throw new ApiError('too-many-results', `more than ${limits.getFacts} facts cannot be copied`)
  if (policy !== null) await target.write({ kind: 'policy', source: policy.source, filename: policy.filename }, platform.newId())
  for (let start = 0; start < facts.length; start += COPIED_FACTS) {
    const changes = facts.slice(start, start + COPIED_FACTS).map((fact): Change => ({ kind: 'insert', fact }))
    await target.write({ kind: 'facts', changes }, platform.newId())
  }
}
