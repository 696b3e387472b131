/** No fully bound question of the corpus scans a table of facts, whatever the optimizer would like. */
import { describe, expect, test } from 'vitest'
import { allQuestions } from '../support/all-questions.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'
import { factScans, watched } from '../support/plans.ts'
import { answer } from '../support/question.ts'
import { worlds } from '../support/worlds.ts'

describe.each(worlds)('$name', (world) => {
  test('every check is a search', () => {
    const policy = validPolicy(world.policy)
    const database = emptyDatabase()
    const prepared: string[] = []
    const cell = openCell(
      watched(database, (sql) => prepared.push(sql)),
      policy,
      world.facts,
    )
    prepared.length = 0
    const written = world.expectations.flatMap((expectation) => (expectation.kind === 'question' ? [expectation.asked] : []))
    const all = allQuestions(
      { policy, facts: world.facts, questions: written.map(({ question }) => question) },
      { contextFacts: [], unixSeconds: 0 },
      200,
    )
    for (const asked of [...written, ...all]) if (asked.question.kind === 'authorize') answer(cell.engine, asked)
    const statements = [...new Set(prepared)].filter((sql) => /^(SELECT|WITH|INSERT)/.test(sql))
    expect(statements.flatMap((sql) => factScans(database, sql).map((scan) => `${scan}: ${sql}`))).toEqual([])
    cell.close()
  })
})

test('a scan is noticed', () => {
  const database = emptyDatabase()
  const table = `f_${'0'.repeat(32)}`
  database.exec(`CREATE TABLE ${table}(c1, c2, c3, PRIMARY KEY (c1, c2, c3)) WITHOUT ROWID`)
  expect(factScans(database, `SELECT 1 FROM ${table} AS f1 WHERE f1.c2 = ?1`)).toHaveLength(1)
  expect(factScans(database, `SELECT 1 FROM ${table} AS f1 WHERE f1.c1 = ?1`)).toEqual([])
  expect(factScans(database, `SELECT 1 FROM ${table} AS f1`)).toEqual([])
  database.close()
})
