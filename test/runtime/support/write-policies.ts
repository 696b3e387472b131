/** The HTTP checklist: policies that are saved. */
import { expect } from 'vitest'
import { basic, failing } from './policies.ts'
import type { WriteLines } from './write-place.ts'

export const policyWriteLines: WriteLines = {
  'http 24: no query flags; a file name that is absent, null, empty or given, and is read back': async (place) => {
    const { ask: http } = await place.world({})
    const names = [undefined, null, '', 'main.polar', '# ü.polar']
    for (const [number, filename] of names.entries()) {
      const src = `${basic}# ${number}`
      const { status, body } = await http.post('/api/policy', filename === undefined ? { src } : { src, filename })
      expect({ status, message: body.message }).toEqual({ status: 200, message: 'the policy is saved' })
      expect((await http.get('/api/policy')).body).toEqual({ policy: { filename: filename ?? null, src } })
    }
  },

  'http 25: the same source is 202 and its tests are not run': async (place) => {
    const { ask: http } = await place.world({})
    expect((await http.post('/api/policy?force=true', { src: failing })).status).toBe(200)
    const before = (await http.get('/api/stats')).body.policy.versions
    // Without force its tests would refuse it.
    const { status, headers } = await http.post('/api/policy', { src: failing, filename: 'other.polar' })
    expect({ status, offset: headers.get('osooffset') === null }).toEqual({ status: 202, offset: false })
    expect((await http.get('/api/stats')).body.policy.versions).toEqual(before)
  },

  'http 26: one ValidationFailed per diagnostic, with its place': async (place) => {
    const { ask: http } = await place.world({})
    const src = 'actor User {}\nresource Repo {\n  roles = ["reader"]\n  permissions = ["read"];\n  "read" if "reder";\n}\n'
    const { status, body } = await http.post('/api/policy', { src, filename: 'a.polar' })
    expect(status).toBe(400)
    expect(body.error_type).toBe('Validation')
    expect(typeof body.message).toBe('string')
    expect(body.errors.length).toBeGreaterThan(0)
    for (const error of body.errors) {
      expect(Object.keys(error).sort()).toEqual(['error_type', 'message'])
      expect(error.error_type).toBe('ValidationFailed')
      expect(error.message).toMatch(/^a\.polar:[0-9]+:[0-9]+: \S/)
    }
    expect(body.errors[0]?.message).toMatch(/^a\.polar:[34]:/)
    const unnamed = await http.post('/api/policy', { src: 'nonsense' })
    expect(unnamed.body.errors[0]?.message).toMatch(/^policy\.polar:1:/)
    const two = await http.post('/api/policy', { src: 'p(x: Integer) if x < "a";\nq(x: Integer) if x < "b";' })
    expect(two.body.errors).toHaveLength(2)
  },

  'http 26: positions in the original files when several travel as one': async (place) => {
    const { ask: http } = await place.world({})
    const { body } = await http.post('/api/policy', { src: `# file: one.polar\n${basic}\n# file: two.polar\n\nnonsense` })
    expect(body.errors[0]?.message).toMatch(/^two\.polar:2:/)
  },

  'http 27: a failing test is TestsFailed with counts, and the old policy stays': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    const { status, body } = await http.post('/api/policy', { src: failing })
    expect(status).toBe(400)
    expect(body.error_type).toBe('TestsFailed')
    expect(Object.keys(body).sort()).toEqual(['error_type', 'message', 'test_results'])
    expect(Object.keys(body.test_results).sort()).toEqual(['errors', 'success', 'tests'])
    expect(body.test_results.success).toBe(false)
    expect(body.test_results.tests).toEqual([
      { name: 'first', passed: 1, total: 3 },
      { name: 'second', passed: 1, total: 1 },
      { name: 'third', passed: 0, total: 1 },
    ])
    expect(body.test_results.errors.map(({ error_type }: { error_type: string }) => error_type)).toEqual([
      'AssertionFailed',
      'AssertionFailed',
      'AssertionFailed',
    ])
    const [first, , third] = body.test_results.errors
    expect(first?.message).toMatch(/^policy\.polar:[0-9]+:[0-9]+: assertion failed: .*User\{"bob"\}.*expected true, found false/)
    expect(third?.message).toContain('missing `erase`, not expected `write`')
    expect((await http.get('/api/policy')).body.policy.src).toBe(basic)
  },

  'http 28: force saves failing tests, a validation error still blocks': async (place) => {
    const { ask: http } = await place.world({})
    const { status, body } = await http.post('/api/policy?force=true', { src: failing })
    expect(status).toBe(200)
    expect(body.message).toContain('2 of 3 policy tests failed')
    expect((await http.get('/api/policy')).body.policy.src).toBe(failing)
    const refused = await http.post('/api/policy?force=true', { src: 'nonsense' })
    expect({ status: refused.status, type: refused.body.error_type }).toEqual({ status: 400, type: 'Validation' })
  },

  'http 29: facts that are no longer used do not block, and are reported': async (place) => {
    const { ask: http } = await place.world({ policies: [basic] })
    await http.facts('has_role(User:ana, String:reader, Repo:r1)', 'has_role(User:ana, String:writer, Repo:r1)')
    const renamed = basic.replaceAll('"reader"', '"viewer"')
    const { status, body } = await http.post('/api/policy?show_suggestions=true', { src: renamed })
    expect(status).toBe(200)
    expect(body.message).toContain('1 fact has_role(User, String, Repo) is no longer used')
    expect(await http.stored()).toHaveLength(2)
    expect(await http.allowed('User:ana write Repo:r1')).toBe(true)
  },

  'http 30: fail_fast stops at the first failing assertion': async (place) => {
    const { ask: http } = await place.world({})
    const { body } = await http.post('/api/policy?fail_fast=true', { src: failing })
    expect(body.test_results.tests).toEqual([{ name: 'first', passed: 1, total: 3 }])
    expect(body.test_results.errors).toHaveLength(1)
  },

  'http 30: show_suggestions adds hints': async (place) => {
    const { ask: http } = await place.world({})
    const src = 'actor User {}\nresource Repo { roles = ["reader"]; permissions = ["read"]; "read" if "reder"; }'
    const plain = (await http.post('/api/policy', { src })).body.errors[0]?.message
    const hinted = (await http.post('/api/policy?show_suggestions=true', { src })).body.errors[0]?.message
    expect(hinted?.startsWith(plain ?? '?')).toBe(true)
    expect(hinted).toMatch(/\(hint: .*reader/)
  },

  'http 30: a flag that is no boolean is 400': async (place) => {
    const { ask: http } = await place.world({})
    const { status, body } = await http.post('/api/policy?force=maybe', { src: basic })
    expect({ status, body }).toEqual({ status: 400, body: { error_type: 'Generic', message: '`force` must be `true` or `false`' } })
  },

  'http 31: errors of POST /policy are SavePolicyError objects, also 401, 403 and 413': async (place) => {
    const { ask: http, keys } = await place.world({ settings: { ARCTOS_MODE: 'production' } })
    const cases = [
      { options: { key: null }, body: { src: basic }, status: 401 },
      { options: { key: keys.readOnly }, body: { src: basic }, status: 403 },
      { options: {}, body: { src: `# ${'x'.repeat(961 * 1024)}` }, status: 413 },
      { options: {}, body: { src: 1 }, status: 400 },
    ]
    for (const { options, body, status } of cases) {
      const answer = await http.post('/api/policy', body, options)
      expect({ status: answer.status, type: answer.body.error_type, keys: Object.keys(answer.body).sort() }).toEqual({
        status,
        type: 'Generic',
        keys: ['error_type', 'message'],
      })
    }
  },
}
