/** The bounds in force for a configuration: development enforces few of them, production all (http-api.md 15). */
import { limits as bounds } from '../src/base/limits.ts'
import type { Configuration } from '../src/ops/settings.ts'
import type { ServiceLimits } from './service.ts'

export const serviceLimits = (configuration: Configuration): ServiceLimits => {
  const production = configuration.mode === 'production'
  return {
    readBytes: bounds.readBytes,
    writeBytes: production ? bounds.writeBytes : bounds.developmentWriteBytes,
    contextFacts: production ? bounds.contextFacts : null,
    batchFacts: production ? bounds.batchFacts : null,
    wildcardDeleteFacts: production ? bounds.wildcardDeleteFacts : null,
    getFacts: configuration.getFacts,
    queryTimeoutMs: configuration.queryTimeoutMs,
    tokenWaitMs: configuration.tokenWaitMs,
    maxStalenessMs: orNone(configuration.maxStalenessMs),
    concurrentRequests: orNone(configuration.concurrentRequests),
    readsPerSecond: orNone(configuration.readsPerSecond),
    factUpdatesPerMinute: orNone(configuration.factUpdatesPerMinute),
    testEnvironments: bounds.testEnvironments,
  }
}

const orNone = (bound: number): number | null => (bound === 0 ? null : bound)
