/** Requests made from the OpenAPI description by schemathesis: a short form of `npm run fuzz -- --http 10000`. */
import { expect, test } from 'vitest'
import { fuzzHttp } from '../../scripts/fuzz/http.ts'
import { testPython } from '../support/python.ts'

const modules = await testPython('schemathesis')

test.skipIf(modules === null)(
  'no request made from the OpenAPI description is answered by a 500, or by what it does not allow',
  { timeout: 600_000 },
  async () => {
    const report = await fuzzHttp({ seed: 1, requests: 1000, examples: 2, say: console.log })
    expect(report).toMatchObject({ findings: null, broken: 0 })
    expect(report.requests).toBeGreaterThanOrEqual(1000)
  },
)
