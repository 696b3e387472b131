/** `apply` over the store of a replica, and against the model of a store. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apply } from '../../src/log/apply.ts'
import { createStore } from '../../src/store/store.ts'
import { applyConformance, log } from '../log/apply-conformance.ts'
import { emptyDatabase } from '../support/database.ts'
import { modelStore } from '../support/model-store.ts'

// Small: one per sample.
const MAX_BYTES = 32 * 1024 * 1024

applyConformance(
  'the store of a replica',
  () => createStore(emptyDatabase(MAX_BYTES)),
  (store) => store.database.close(),
)

test('the store and its model agree', async () => {
  await fc.assert(
    fc.asyncProperty(log, async (records) => {
      const store = createStore(emptyDatabase(MAX_BYTES))
      try {
        const model = modelStore()
        expect(apply(store, records)).toEqual(apply(model, records))
        expect(store.facts({ predicate: null, args: [] }, false, 1000)).toEqual(
          expect.arrayContaining(model.facts({ predicate: null, args: [] }, false, 1000)),
        )
        expect(store.totals().total).toBe(model.facts({ predicate: null, args: [] }, false, 1000).length)
        expect(store.activePolicy()).toEqual(model.activePolicy())
      } finally {
        store.database.close()
      }
    }),
  )
})
