/** What `apply` promises, over any store. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { at, Bug, known } from '../../src/base/assert.ts'
import type { Value } from '../../src/base/value.ts'
import { ApplyError, type ApplyOutcome, apply, turns } from '../../src/log/apply.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import type { Change, RecordBody } from '../../src/log/record.ts'
import type { Store } from '../../src/store/facts.ts'
import { changed } from '../simulation/planted.ts'
import { fact, facts, insert, logRecord, remove, restoring, wholeLog } from '../support/record.ts'

/** Few names, so that inserts and deletes meet. */
const type = fc.constantFrom('User', 'Repo', 'String')
const id = fc.constantFrom('a', 'b', '\0', '\ufeffa')
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.record({ type, id }),
  fc.integer({ min: -2, max: 2 }).map((number) => ({ type: 'Integer', id: String(number) })),
  fc.boolean().map((truth) => ({ type: 'Boolean', id: String(truth) })),
)
const predicate = fc.constantFrom('has_role', 'is_public')
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ predicate, args: fc.array(value, { minLength: 1, maxLength: 2 }) })
      .map((found): Change => ({ kind: 'insert', fact: found })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        predicate,
        args: fc.array(
          fc.oneof(
            value,
            type.map((found) => ({ type: found, id: null })),
            fc.constant({ type: null, id: null }),
          ),
          { minLength: 1, maxLength: 2 },
        ),
      })
      .map((pattern): Change => ({ kind: 'delete', pattern })),
  },
)
const body: fc.Arbitrary<RecordBody> = fc.oneof(
  { weight: 8, arbitrary: fc.array(change, { maxLength: 6 }).map((changes): RecordBody => ({ kind: 'facts', changes })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('allow all', 'allow none').map((source): RecordBody => ({ kind: 'policy', source, filename: null })),
  },
  { weight: 1, arbitrary: fc.constant<RecordBody>({ kind: 'clear' }) },
)

/** A log with gaps in its revisions and repeated write ids. */
export const log: fc.Arbitrary<readonly RevisedRecord[]> = fc
  .array(fc.record({ body, writeId: fc.option(fc.constantFrom('again', 'and again'), { freq: 3 }), gap: fc.nat(2) }), { maxLength: 15 })
  .map((entries) => {
    let revision = 0
    const rest = entries.map((entry, index) => {
      revision += 1 + entry.gap
      return { revision, record: logRecord(entry.body, { writeId: entry.writeId ?? `write-${index}` }) }
    })
    return [{ revision: 0, record: logRecord({ kind: 'genesis' }, { writeId: 'genesis' }) }, ...rest]
  })

const cuts = fc.array(fc.nat(16), { maxLength: 5 })
const groups = (records: readonly RevisedRecord[], places: readonly number[]): readonly (readonly RevisedRecord[])[] => {
  const ends = [...places.filter((place) => place < records.length), records.length].toSorted((a, b) => a - b)
  return ends.map((end, index) => records.slice(ends[index - 1] ?? 0, end))
}

const seen = (store: Store): unknown => ({
  facts: store.facts({ predicate: null, args: [] }, false, 1000),
  stateHash: store.stateHash(),
  revision: store.revision(),
  logId: store.logId(),
  policy: store.activePolicy(),
  versions: store.policyVersions().map((version) => store.policy(version)),
})

const stored = (store: Store): unknown => store.facts({ predicate: null, args: [] }, false, 1000)

const incident = (work: () => ApplyOutcome): ApplyError => {
  try {
    work()
  } catch (error) {
    if (error instanceof ApplyError) return error
    throw error
  }
  throw new Bug('nothing was refused')
}

/** `open` gives an empty store; `close` ends it. */
export const applyConformance = (name: string, open: () => Store, close: (store: Store) => void = () => undefined): void => {
  /** Every store that `work` opens is closed. */
  const withStores = <T>(work: (fresh: () => Store) => T): T => {
    const opened: Store[] = []
    try {
      return work(() => {
        const store = open()
        opened.push(store)
        return store
      })
    } finally {
      opened.forEach(close)
    }
  }
  const check = (records: readonly RevisedRecord[], expectation: (store: Store, outcome: ApplyOutcome) => void): void =>
    withStores((fresh) => {
      const store = fresh()
      expectation(store, apply(store, records))
    })

  describe(`apply over ${name}`, () => {
    properties(withStores)

    test('reports what happened', () => {
      const records = wholeLog(facts(insert('p', 'T:a'), insert('p', 'T:a'), insert('p', 'T:b'), remove('p', 'T:*')), {
        kind: 'policy',
        source: 'one',
        filename: 'f.polar',
      })
      check(records, (store, outcome) => {
        expect(outcome).toEqual({
          revision: 2,
          applied: 2,
          skipped: 1,
          inserted: 2,
          removed: 2,
          ignored: 0,
          policyChanged: true,
          restore: null,
        })
        expect(store.activePolicy()).toEqual({ version: 1, source: 'one', filename: 'f.polar', createdAtMs: 1_700_000_000_000 })
        expect(apply(store, records)).toEqual({
          revision: 2,
          applied: 0,
          skipped: 3,
          inserted: 0,
          removed: 0,
          ignored: 0,
          policyChanged: false,
          restore: null,
        })
      })
    })

    test('follows the order of changes', () => {
      check(wholeLog(facts(remove('p', '*'), insert('p', 'T:a'), remove('p', 'T:a'), insert('p', 'T:b'))), (store) => {
        expect(stored(store)).toEqual([fact('p', 'T:b')])
      })
    })

    test('a wildcard matches by type and by number of arguments', () => {
      const start = facts(insert('p', 'T:a'), insert('p', 'U:a'), insert('p', 'T:a', 'T:b'), insert('q', 'T:a'))
      check(wholeLog(start, facts(remove('p', 'T:*'))), (store) => {
        expect(stored(store)).toEqual([fact('p', 'T:a', 'T:b'), fact('p', 'U:a'), fact('q', 'T:a')])
      })
    })

    test('a clear leaves versions and numbering', () => {
      const policy = (source: string): RecordBody => ({ kind: 'policy', source, filename: null })
      check(wholeLog(facts(insert('p', 'T:a')), policy('one'), { kind: 'clear' }), (store, outcome) => {
        expect(stored(store)).toEqual([])
        expect(store.activePolicy()).toBeNull()
        expect(outcome.policyChanged).toBe(true)
        apply(store, [{ revision: 9, record: logRecord(policy('two'), { writeId: 'w' }) }])
        expect(store.activePolicy()?.version).toBe(2)
        expect(store.policy(1)?.source).toBe('one')
      })
    })

    test('a repeated write id moves the position and nothing else', () => {
      const once = facts(insert('p', 'T:a'))
      const records = wholeLog(once, facts(remove('p', 'T:a')))
      check([...records, { revision: 7, record: logRecord(once, { writeId: 'write-1' }) }], (store, outcome) => {
        expect(stored(store)).toEqual([])
        expect(outcome).toMatchObject({ revision: 7, applied: 2, skipped: 2 })
      })
    })

    test('brings ids into canonical form and never refuses a fact', () => {
      const changes = facts(
        insert('p', 'Integer:007'),
        insert('p', 'Integer:7'),
        insert('p', 'Integer:many'),
        insert('p', 'Boolean:maybe'),
        insert('p'),
        insert('p', 'T:\ud800'),
        insert('\udc00', 'T:a'),
        remove('p', 'Integer:many'),
        remove('p'),
        remove('p', 'T:\ud800'),
        insert('', 'T:a'),
        insert('p', ':'),
      )
      check(wholeLog(changes), (store, outcome) => {
        expect(outcome).toMatchObject({ inserted: 3, removed: 0, ignored: 5 })
        expect(stored(store)).toContainEqual(fact('p', 'Integer:7'))
      })
    })

    test('the first genesis wins', () => {
      const other = { revision: 1, record: logRecord({ kind: 'genesis' }, { logId: 'other', writeId: 'w' }) }
      check([...wholeLog(), other], (store, outcome) => {
        expect(store.logId()).toBe('log')
        expect(outcome).toMatchObject({ revision: 1, applied: 0, skipped: 2 })
      })
    })

    test('a record of another log is an incident, and what is before it is applied', () => {
      const foreign = { revision: 2, record: logRecord(facts(insert('p', 'T:b')), { logId: 'other', writeId: 'w' }) }
      withStores((fresh) => {
        const store = fresh()
        const error = incident(() => apply(store, [...wholeLog(facts(insert('p', 'T:a'))), foreign]))
        expect(error).toMatchObject({
          code: 'foreign-log',
          revision: 2,
          message: 'revision 2 belongs to log `other`, this replica follows log `log`',
        })
        expect(stored(store)).toEqual([fact('p', 'T:a')])
        expect(store.revision()).toBe(1)
        expect(incident(() => apply(store, [foreign])).code).toBe('foreign-log')
      })
    })

    test('a log without genesis is an incident', () => {
      withStores((fresh) => {
        const store = fresh()
        expect(incident(() => apply(store, [{ revision: 3, record: logRecord({ kind: 'clear' }) }]))).toMatchObject({
          code: 'no-genesis',
          revision: 3,
        })
        expect(store.revision()).toBe(-1)
      })
    })

    test('records out of order are a bug', () => {
      withStores((fresh) => {
        expect(() => apply(fresh(), [...wholeLog({ kind: 'clear' }), ...wholeLog()])).toThrow(Bug)
      })
    })

    test('stops in front of a restore, and says so', () => {
      const records = wholeLog(facts(insert('p', 'T:a')), restoring(0), facts(insert('p', 'T:b')))
      withStores((fresh) => {
        const store = fresh()
        const { restore, ...outcome } = apply(store, records)
        expect(restore).toEqual({ ...at(records, 2), body: restoring(0) })
        expect(outcome).toMatchObject({ revision: 1, applied: 1, skipped: 1, inserted: 1 })
        expect(stored(store)).toEqual([fact('p', 'T:a')])
        // Again and again, until the state was replaced.
        expect(apply(store, records.slice(2))).toMatchObject({ revision: 1, applied: 0, restore: { revision: 2 } })
        expect(apply(store, []).restore).toBeNull()
      })
    })

    test('goes on behind a restore that was loaded, and takes it once', () => {
      const [genesis, restore, next] = wholeLog(restoring(0), facts(insert('p', 'T:b')))
      const again = { revision: 7, record: known(restore, 'the restore').record }
      withStores((fresh) => {
        const store = fresh()
        apply(store, [known(genesis, 'the genesis')])
        store.transaction(() => {
          store.rememberWrite(again.record.writeId, 1)
          store.setPosition('log', 1)
        })
        const outcome = apply(store, [known(restore, 'the restore'), known(next, 'the next one'), again])
        expect(outcome).toMatchObject({ revision: 7, applied: 1, skipped: 2, restore: null })
        expect(stored(store)).toEqual([fact('p', 'T:b')])
      })
    })

    test('a restore under a write id that was applied in the same call is a repetition', () => {
      const records = wholeLog(facts(insert('p', 'T:a')))
      const repeated = { revision: 2, record: logRecord(restoring(0), { writeId: 'write-1' }) }
      withStores((fresh) => {
        const [together, apart] = [fresh(), fresh()]
        expect(apply(together, [...records, repeated])).toMatchObject({ revision: 2, skipped: 2, restore: null })
        apply(apart, records)
        expect(apply(apart, [repeated])).toMatchObject({ revision: 2, skipped: 1, restore: null })
        expect(seen(apart)).toEqual(seen(together))
      })
    })

    test('a restore of a foreign log is refused as any record', () => {
      const foreign = { revision: 1, record: logRecord(restoring(0), { logId: 'other', writeId: 'w' }) }
      withStores((fresh) => {
        expect(incident(() => apply(fresh(), [...wholeLog(), foreign])).code).toBe('foreign-log')
      })
    })

    test('what fails in the middle leaves nothing behind', () => {
      withStores((fresh) => {
        const store = fresh()
        apply(store, wholeLog(facts(insert('p', 'T:a'))))
        const before = seen(store)
        const failing = changed(store, {
          savePolicy: () => {
            throw new Bug('no policy')
          },
        })
        const next = wholeLog(facts(insert('p', 'T:a')), facts(insert('p', 'T:b')), { kind: 'policy', source: 'one', filename: null })
        expect(() => apply(failing, next)).toThrow('no policy')
        expect(seen(store)).toEqual(before)
        expect(apply(store, next)).toMatchObject({ revision: 3, applied: 2, inserted: 1 })
      })
    })
  })
}

const properties = (withStores: <T>(work: (fresh: () => Store) => T) => T): void => {
  test('any grouping gives the same state', async () => {
    await fc.assert(
      fc.asyncProperty(log, cuts, async (records, places) => {
        withStores((fresh) => {
          const whole = fresh()
          apply(whole, records)
          const grouped = fresh()
          for (const group of groups(records, places)) apply(grouped, group)
          expect(seen(grouped)).toEqual(seen(whole))
          expect(whole.revision()).toBe(at(records, records.length - 1).revision)
        })
      }),
    )
  })

  test('replaying from anywhere changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(log, cuts, async (records, places) => {
        withStores((fresh) => {
          const store = fresh()
          apply(store, records)
          const before = seen(store)
          for (const place of [0, ...places]) {
            const outcome = apply(store, records.slice(place))
            expect(outcome).toMatchObject({ applied: 0, policyChanged: false })
          }
          expect(seen(store)).toEqual(before)
        })
      }),
    )
  })

  test('delivery with overlaps equals delivery once', async () => {
    await fc.assert(
      fc.asyncProperty(log, cuts, async (records, places) => {
        withStores((fresh) => {
          const whole = fresh()
          apply(whole, records)
          const overlapping = fresh()
          for (const place of places.toSorted((a, b) => a - b)) apply(overlapping, records.slice(0, place))
          apply(overlapping, records)
          expect(seen(overlapping)).toEqual(seen(whole))
        })
      }),
    )
  })

  test('a repeated write id equals a log without the repetition', async () => {
    await fc.assert(
      fc.asyncProperty(log, async (records) => {
        withStores((fresh) => {
          const written = new Set<string>()
          const first = records.filter(({ record: { writeId } }) => !written.has(writeId) && written.add(writeId))
          const whole = fresh()
          apply(whole, records)
          const deduplicated = fresh()
          apply(deduplicated, first)
          expect(stored(deduplicated)).toEqual(stored(whole))
          expect(deduplicated.stateHash()).toBe(whole.stateHash())
          expect(deduplicated.activePolicy()).toEqual(whole.activePolicy())
        })
      }),
    )
  })

  test('turns keep the records, their order and the bound', async () => {
    await fc.assert(
      fc.asyncProperty(log, fc.integer({ min: 1, max: 8 }), async (records, bound) => {
        const split = turns(records, bound)
        expect(split.flat()).toEqual(records)
        for (const turn of split) {
          const changes = turn.map(({ record }) => (record.body.kind === 'facts' ? record.body.changes.length : 1))
          if (turn.length > 1) expect(changes.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(bound)
          expect(turn.length).toBeGreaterThan(0)
        }
      }),
    )
  })
}
