/** What a Worker takes from its bindings, and what it refuses by name. */
import { expect, test } from 'vitest'
import { workerSettings } from '../../runtime/worker/settings.ts'

const bucket = { get() {}, put() {}, list() {}, delete() {} }

const problemsOf = (bindings: Readonly<Record<string, unknown>>): string => {
  const found = workerSettings(bindings)
  return found.kind === 'bad' ? found.problems.join('; ') : ''
}

test.each([
  [{ ARCTOS_REFRESH_MS: 'often' }, 'ARCTOS_REFRESH_MS must be an integer from 10 to 3600000, found `often`'],
  [{ ARCTOS_REFRSH_MS: '1' }, 'unknown setting `ARCTOS_REFRSH_MS`'],
  [{ ARCTOS_LOG: 'embedded' }, '`ARCTOS_LOG` has no meaning in a Worker, remove it'],
  [{ OSO_PORT: '80' }, '`OSO_PORT` has no meaning in a Worker, remove it'],
  [{ ARCTOS_STORE: 'file:./objects' }, '`r2:<prefix>` for the bucket that is bound as `OBJECTS`'],
  [{ ARCTOS_STORE: 'gopher://x' }, 'ARCTOS_STORE must be'],
  [{ ARCTOS_MEMORY_MIB: '8' }, '`ARCTOS_MEMORY_MIB` in a Worker must be at least 32'],
  [{ ARCTOS_SECRET: 'x', ARCTOS_ORIGIN: 'nowhere' }, 'ARCTOS_ORIGIN must be'],
  [{ OBJECTS: { get: 1 } }, '`OBJECTS` is not bound to a bucket of R2'],
  [{ OBJECTS: undefined }, 'there is nothing to follow'],
])('%j is refused', (bindings, told) => {
  expect(problemsOf({ OBJECTS: bucket, ...bindings })).toContain(told)
})

test('each of the three sources is taken, other bindings are none of its business', () => {
  const storeOf = (bindings: Readonly<Record<string, unknown>>): string => {
    const found = workerSettings(bindings)
    return found.kind === 'good' ? found.objects().name : found.problems.join()
  }
  expect(storeOf({ OBJECTS: bucket, OTHER: {}, OTHER_TEXT: 'x' })).toBe('R2')
  expect(storeOf({ OBJECTS: bucket, ARCTOS_STORE: 'r2:cells/eu/' })).toBe('R2/cells/eu')
  expect(storeOf({ OBJECTS: bucket, ARCTOS_STORE: 'https://objects.example/x' })).toBe('web server https://objects.example/x')
  expect(storeOf({ ARCTOS_ORIGIN: 'https://cell.example/' })).toBe('web server https://cell.example/v1/objects')
})

test('production is the mode unless it says otherwise: whoever deploys it puts it on the internet', () => {
  const modeOf = (bindings: Readonly<Record<string, unknown>>): string => {
    const found = workerSettings({ OBJECTS: bucket, ...bindings })
    return found.kind === 'good' ? found.configuration.mode : found.problems.join()
  }
  expect(modeOf({})).toBe('production')
  expect(modeOf({ ARCTOS_MODE: 'development' })).toBe('development')
})
