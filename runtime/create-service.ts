/** Puts a service together from its parts. */
import type { Configuration } from '../src/ops/settings.ts'
import { RateLimits } from './admission.ts'
import type { KeyRing } from './keys.ts'
import type { Platform } from './platform.ts'
import type { PolicyChecker } from './policy-checker.ts'
import { Repetitions } from './repetitions.ts'
import type { Environments, Service } from './service.ts'
import { serviceLimits } from './service-limits.ts'

export interface ServiceParts {
  readonly configuration: Configuration
  readonly platform: Platform
  readonly keys: KeyRing
  readonly environments: Environments
  readonly policies: PolicyChecker
  readonly unready: () => string | null
  /** A cell without them. */
  readonly kind?: Service['kind']
  readonly origin?: Service['origin']
  readonly admin?: Service['admin']
  readonly published?: Service['published']
}

export const createService = ({ configuration, ...parts }: ServiceParts): Service => {
  const limits = serviceLimits(configuration)
  return {
    kind: 'cell',
    origin: null,
    admin: null,
    published: null,
    ...parts,
    limits,
    rates: new RateLimits(limits, parts.platform),
    repetitions: new Repetitions(parts.platform),
    secret: configuration.secret,
    development: configuration.mode === 'development',
  }
}
