/** The tables of edges and fallbacks in metrics.md against the processes. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { startServer } from '../runtime/support/process.ts'
import { codes, documentAt, tableRows } from './markdown.ts'

const document = documentAt('docs/reference/metrics.md')

const rows = (kind: string): string[] => tableRows(document, kind, 'type').map(([name = '', type = '']) => `${codes(name).join()} ${type}`)

/** Once it has answered a request. */
const metricsAt = async (url: string): Promise<string[]> => {
  await fetch(`${url}/livez`)
  const text = await (await fetch(`${url}/metrics`)).text()
  return [...text.matchAll(/^# TYPE (\S+ \S+)$/gm)]
    .map(([, metric = '']) => metric)
    .filter((metric) => !/^(?:process|nodejs)_/.test(metric))
}

test('edges and fallbacks', async () => {
  const secret = 'a-secret-of-this-cell'
  const cell = await startServer({ settings: { ARCTOS_SECRET: secret } })
  const requests = 'arctos_http_request_duration_seconds histogram'
  const edge = await startServer({ command: 'edge', settings: { ARCTOS_ORIGIN: cell.url, ARCTOS_SECRET: secret } })
  expect((await metricsAt(edge.url)).toSorted()).toEqual([...rows('of an edge'), requests].toSorted())

  const path = `${cell.url}/v1/objects/${developmentEnvironment}/manifest.json`
  await expect
    .poll(async () => (await fetch(path, { headers: { authorization: `Bearer ${secret}` } })).status, { timeout: 40_000 })
    .toBe(200)
  const fallback = await startServer({
    command: 'fallback',
    settings: {
      ARCTOS_STORE: `file:${join(cell.directory, 'objects')}`,
      OSO_API_TOKEN: `e_${developmentEnvironment}_fb_fallbacktoken000001`,
      OSO_ENVIRONMENT: developmentEnvironment,
      OSO_TENANT: 'acme',
    },
  })
  expect((await metricsAt(fallback.url)).toSorted()).toEqual([...rows('of an edge'), ...rows('of a fallback'), requests].toSorted())
})
