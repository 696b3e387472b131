/** The tables of replicators in metrics.md against the process. */
import { expect, test } from 'vitest'
import { startReplicator } from '../runtime/support/cell-process.ts'
import { temporaryDirectory } from '../runtime/support/process.ts'
import { codes, documentAt, tableRows } from './markdown.ts'

test('a replicator process', async () => {
  const document = documentAt('docs/reference/metrics.md')
  const rows = [...tableRows(document, 'of a replicator', 'type'), ...tableRows(document, 'of a replicator process', 'type')]
  const written = rows.map(([name = '', type = '']) => `${codes(name).join()} ${type}`)
  const { place } = await startReplicator(await temporaryDirectory(), { ARCTOS_REPLICATOR: 'http://127.0.0.1:0' })
  const text = await (await fetch(`${place}/metrics`)).text()
  const metrics = [...text.matchAll(/^# TYPE (\S+ \S+)$/gm)].flatMap(([, metric = '']) =>
    /^(?:process|nodejs)_/.test(metric) ? [] : [metric],
  )
  const shared = ['arctos_log_writable gauge', 'arctos_log_pending_appends gauge']
  expect(metrics.toSorted()).toEqual([...written, ...shared].toSorted())
})
