/** The policy endpoints: save, test, get, metadata. */
import type { ResourceMetadata } from '../../src/check/core.ts'
import { ApiError } from '../../src/wire/api-error.ts'
import { decode, parseJson } from '../../src/wire/decode.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { policyRequest } from '../../src/wire/requests.ts'
import type { MessageBody, MetadataBody, PolicyBody, PolicyError, PolicyTestResult, SavePolicyError } from '../../src/wire/responses.ts'
import type { Call, Route } from '../exchange.ts'
import type { PolicyMessage, PolicyReport } from '../policy-checker.ts'
import { json, type Reply } from '../reply.ts'
import type { Service } from '../service.ts'
import { unusedFacts } from '../unused-facts.ts'
import { writeFailure } from '../write-failure.ts'

export const getPolicy: Route = {
  endpoint: endpoints.getPolicy,
  withoutPolicy: true,
  handle({ request, environment }) {
    const version = versionOf(new URL(request.url).searchParams, ['id'])
    const stored = version === null ? environment.store.activePolicy() : environment.store.policy(version)
    if (stored === null && version !== null) throw unknownVersion(version)
    return json({ policy: stored === null ? null : { filename: stored.filename, src: stored.source } } satisfies PolicyBody)
  },
}

export const savePolicy: Route = {
  endpoint: endpoints.savePolicy,
  errors: 'save-policy',
  withoutPolicy: true,
  async handle(call, service) {
    try {
      return await service.repetitions.run(call, (writeId) => save(call, service, writeId))
    } catch (error) {
      throw writeFailure(error)
    }
  },
}

export const testPolicy: Route = {
  endpoint: endpoints.testPolicy,
  async handle({ request, body }, service) {
    const { src: source, filename = null } = decode(policyRequest, parseJson(body))
    const flags = flagsOf(request)
    const report = await service.policies.check({ source, filename, runTests: true, failFast: flags.failFast })
    return json(testResultOf(report, flags.suggestions))
  },
}

export const policyMetadata: Route = {
  endpoint: endpoints.policyMetadata,
  async handle({ request, environment }, service) {
    const version = versionOf(new URL(request.url).searchParams, ['id', 'version'])
    const active = environment.store.activePolicy()
    if (version === null || version === active?.version) {
      if (active === null) throw new ApiError('not-found', 'no policy is loaded')
      return json(metadataBody(environment.policy.metadata))
    }
    const stored = environment.store.policy(version)
    if (stored === null) throw unknownVersion(version)
    const report = await service.policies.check({ source: stored.source, filename: stored.filename, runTests: false, failFast: false })
    if (report.kind !== 'checked') throw new ApiError('not-found', `policy version ${version} cannot be compiled by this version`)
    return json(metadataBody(report.policy.metadata))
  },
}

const save = async ({ request, body, environment }: Call, service: Service, writeId: string): Promise<Reply> => {
  const flags = flagsOf(request)
  const { src: source, filename = null } = decode(policyRequest, parseJson(body))
  if (environment.store.activePolicy()?.source === source) {
    return { ...json({ message: 'the policy is unchanged' } satisfies MessageBody, 202), offset: environment.acknowledged }
  }
  const report = await service.policies.check({ source, filename, runTests: true, failFast: flags.failFast })
  const refused = refusalOf(report, flags)
  if (refused !== null) return json(refused, 400)
  if (report.kind === 'checked') environment.expectPolicy({ source, policy: report.policy, indexes: report.indexes })
  const { offset, applied } = await environment.write({ kind: 'policy', source, filename }, writeId)
  service.platform.log('info', 'policy-saved', { environment: environment.id, bytes: source.length, forced: flags.force })
  const unused = applied ? unusedFacts(environment) : []
  return { ...json({ message: savedMessage(report, unused, flags.suggestions) } satisfies MessageBody), offset, applied }
}

const refusalOf = (report: PolicyReport, { force, suggestions }: Flags): SavePolicyError | null => {
  switch (report.kind) {
    case 'refused': {
      const errors = validationErrors(report.errors, suggestions)
      return { error_type: 'Validation', message: errors[0]?.message ?? 'the policy is not valid', errors }
    }
    case 'over-budget':
      return { error_type: 'Generic', message: report.message }
    case 'checked':
      if (report.tests === null || report.tests.success || force) return null
      return { error_type: 'TestsFailed', message: failedTests(report.tests), test_results: report.tests }
  }
}

const savedMessage = (report: PolicyReport, unused: readonly PolicyMessage[], suggestions: boolean): string => {
  const warnings = [...(report.kind === 'over-budget' ? [] : report.warnings), ...unused]
  const parts = ['the policy is saved']
  if (warnings.length > 0) parts.push(`with ${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`)
  const tests = report.kind === 'checked' ? report.tests : null
  const lines = [parts.join(' ')]
  if (tests !== null && !tests.success) lines.push(`although ${failedTests(tests)}`, ...tests.errors.map(({ message }) => message))
  if (suggestions) lines.push(...warnings.map((warning) => textOf(warning, true)))
  return lines.join('\n')
}

const failedTests = ({ tests, errors }: PolicyTestResult): string => {
  const failed = tests.filter(({ passed, total }) => passed < total).length
  return `${failed} of ${tests.length} policy tests failed: ${errors[0]?.message ?? ''}`
}

const testResultOf = (report: PolicyReport, suggestions: boolean): PolicyTestResult => {
  switch (report.kind) {
    case 'refused':
      return { success: false, errors: validationErrors(report.errors, suggestions), tests: [] }
    case 'over-budget':
      return { success: false, errors: [{ error_type: 'ServerError', message: report.message }], tests: [] }
    case 'checked':
      return report.tests ?? { success: true, errors: [], tests: [] }
  }
}

const validationErrors = (errors: readonly PolicyMessage[], suggestions: boolean): readonly PolicyError[] =>
  errors.map((error) => ({ error_type: 'ValidationFailed', message: textOf(error, suggestions) }))

const textOf = ({ text, hint }: PolicyMessage, suggestions: boolean): string =>
  suggestions && hint !== null ? `${text} (hint: ${hint})` : text

const metadataBody = (resources: Readonly<Record<string, ResourceMetadata>>): MetadataBody => ({
  metadata: {
    resources: Object.fromEntries(
      Object.entries(resources).map(([type, { roles, permissions, relations }]) => [type, { roles, permissions, relations }]),
    ),
  },
})

interface Flags {
  readonly force: boolean
  readonly failFast: boolean
  readonly suggestions: boolean
}

const flagsOf = (request: Request): Flags => {
  const parameters = new URL(request.url).searchParams
  return {
    force: flag(parameters, 'force'),
    failFast: flag(parameters, 'fail_fast'),
    suggestions: flag(parameters, 'show_suggestions'),
  }
}

const flag = (parameters: URLSearchParams, parameter: string): boolean => {
  const text = parameters.get(parameter) ?? 'false'
  if (text !== 'true' && text !== 'false') throw new ApiError('malformed-request', `\`${parameter}\` must be \`true\` or \`false\``)
  return text === 'true'
}

/** The version that a query names, or null for the active one. */
const versionOf = (parameters: URLSearchParams, names: readonly string[]): number | null => {
  const parameter = names.find((candidate) => (parameters.get(candidate) ?? '') !== '')
  if (parameter === undefined) return null
  const text = parameters.get(parameter) ?? ''
  if (!/^[+-]?[0-9]{1,19}$/.test(text)) throw new ApiError('malformed-request', `\`${parameter}\` must be an integer`)
  // Numbers beyond these are 64-bit integers all the same, and no version.
  if (!Number.isSafeInteger(Number(text))) throw unknownVersion(text)
  return Number(text)
}

const unknownVersion = (version: number | string): ApiError => new ApiError('not-found', `policy version ${version} is not kept`)
