/** Statistics, expectations of parity tests, health, metrics, and the environments of a development server. */
import { ApiError } from '../../src/wire/api-error.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import type { MessageBody, StatsBody, TestEnvironmentBody } from '../../src/wire/responses.ts'
import type { OpenRoute, Route } from '../exchange.ts'
import { json, other, type Reply } from '../reply.ts'
import type { Service } from '../service.ts'
import { createTestEnvironment } from '../test-environments.ts'
import { writeFailure } from '../write-failure.ts'

export const stats: Route = {
  endpoint: endpoints.stats,
  handle({ environment: { store } }) {
    const versions = store.policyVersions().map(String)
    const { total, predicates } = store.totals()
    return json({ policy: { versions }, facts: { total, predicates } } satisfies StatsBody)
  },
}

/** Clients send it without waiting, and an error could end their process: it is 200 whatever was sent. */
export const expect: Route = {
  endpoint: endpoints.expect,
  keyOnly: true,
  handle() {
    return json({ message: 'the expectation is noted' } satisfies MessageBody)
  },
}

export const clearData: Route = {
  endpoint: endpoints.clearData,
  withoutPolicy: true,
  async handle(call, service) {
    try {
      return await service.repetitions.run(call, async (writeId) => {
        const { offset, applied } = await call.environment.write({ kind: 'clear' }, writeId)
        return { ...json({ message: 'all facts and the policy are removed' } satisfies MessageBody), offset, applied }
      })
    } catch (error) {
      throw writeFailure(error)
    }
  },
}

const whenReady = (service: Service): Reply => {
  const reason = service.unready()
  if (reason !== null) throw new ApiError('not-ready', reason)
  return json({ message: 'ready' } satisfies MessageBody)
}

/** What a process answers from its first moment on. */
export const processRoutes: readonly OpenRoute<Pick<Service, 'platform'>>[] = [
  { endpoint: endpoints.live, handle: () => json({ message: 'alive' } satisfies MessageBody) },
  {
    endpoint: endpoints.metrics,
    async handle(_, { platform }) {
      const { text, contentType } = await platform.metrics.export()
      return other(text, contentType)
    },
  },
]

export const openRoutes: readonly OpenRoute[] = [
  { endpoint: endpoints.healthcheck, handle: (_, service) => whenReady(service) },
  { endpoint: endpoints.ready, handle: (_, service) => whenReady(service) },
  {
    endpoint: endpoints.fallbackHealthcheck,
    handle(_, { kind, environments }) {
      if (kind !== 'fallback') throw new ApiError('not-found', 'there is no such endpoint, or not with this method')
      // Whatever its age: a fallback is there for when everything else is down.
      if ([...environments.all()].every(({ problem }) => problem !== null)) throw new ApiError('not-ready', 'no valid snapshot is loaded')
      return json({ message: 'a valid snapshot is loaded' } satisfies MessageBody)
    },
  },
  {
    endpoint: endpoints.testEnvironment,
    async handle(request, service) {
      if (!service.development) throw new ApiError('not-found', 'test environments exist on development servers only')
      if (service.environments.temporaryCount >= service.limits.testEnvironments) {
        throw new ApiError('too-many-requests', `more than ${service.limits.testEnvironments} test environments`)
      }
      const copy = new URL(request.url).searchParams.get('copy') === 'true'
      try {
        return json({ token: await createTestEnvironment(service, copy) } satisfies TestEnvironmentBody)
      } catch (error) {
        throw writeFailure(error)
      }
    },
  },
]
