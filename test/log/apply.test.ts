/** `apply` over the model of a store, and what only the model shows. */
import { expect, test } from 'vitest'
import { apply } from '../../src/log/apply.ts'
import { modelStore } from '../support/model-store.ts'
import { facts, insert, wholeLog } from '../support/record.ts'
import { applyConformance } from './apply-conformance.ts'

applyConformance('a model store', modelStore)

const hooks = { constantsOf: (source: string) => [{ type: 'String', id: source }] }

test('the constants of a policy are interned with it', () => {
  const store = modelStore()
  apply(store, wholeLog({ kind: 'policy', source: 'reader', filename: null }), hooks)
  expect([...store.interned]).toEqual(['["String","reader"]'])
})

test('one call is one transaction, and nothing new is none', () => {
  const store = modelStore()
  const records = wholeLog(facts(insert('p', 'T:a')), facts(insert('p', 'T:b')))
  apply(store, records, hooks)
  expect(store.transactions).toBe(1)
  apply(store, records, hooks)
  apply(store, [], hooks)
  expect(store.transactions).toBe(1)
})
