/** `apply` over the model of a store, and what only the model shows. */
import { expect, test } from 'vitest'
import { apply } from '../../src/log/apply.ts'
import { modelStore } from '../support/model-store.ts'
import { facts, insert, wholeLog } from '../support/record.ts'
import { applyConformance } from './apply-conformance.ts'

applyConformance('a model store', modelStore)

test('one call is one transaction, and nothing new is none', () => {
  const store = modelStore()
  const records = wholeLog(facts(insert('p', 'T:a')), facts(insert('p', 'T:b')))
  apply(store, records)
  expect(store.transactions).toBe(1)
  apply(store, records)
  apply(store, [])
  expect(store.transactions).toBe(1)
})
