/** The figures of a run, as a table for people and as one line of JSON. */
import type { LoadCounts } from './load-options.ts'
import type { Finding, FindingKind } from './oracle.ts'

export interface Recovery {
  readonly fault: string
  /** From when everything was there again until the cells were whole, and the fallback, too. */
  readonly cellsMs: number
  readonly allMs: number
}

export interface ChaosReport {
  readonly seed: number
  readonly seconds: number
  readonly counts: LoadCounts
  /** Answers that the oracle judged. */
  readonly judged: number
  /** Reads of a position that only a dead cell and a dead log had. */
  readonly unreachable: number
  readonly oldestAnswerMs: number
  readonly recoveries: readonly Recovery[]
  readonly findings: readonly Finding[]
}

/** Findings told one by one. */
const SHOWN = 50

export const countOf = ({ findings }: Pick<ChaosReport, 'findings'>, ...kinds: readonly FindingKind[]): number =>
  findings.filter(({ kind }) => kinds.includes(kind)).length

export const printReport = (report: ChaosReport): string => {
  const { counts, judged, unreachable, oldestAnswerMs, seconds, seed } = report
  const others =
    report.findings.length - countOf(report, 'read-failed', 'lost-write', 'wrong-decision', 'token-violated', 'unflagged-stale')
  const rows: readonly (readonly [string, string | number, string])[] = [
    ['reads', counts.reads, ''],
    ['reads that a second server answered', counts.secondTried, ''],
    ['reads failed', countOf(report, 'read-failed'), '0'],
    ['answers judged', judged, ''],
    ['wrong decisions', countOf(report, 'wrong-decision'), '0'],
    ['positions violated', countOf(report, 'token-violated'), '0'],
    ['positions that only dead processes had', unreachable, ''],
    ['unflagged stale answers', countOf(report, 'unflagged-stale'), '0'],
    ['oldest state that answered, ms', Math.round(oldestAnswerMs), ''],
    ['writes acknowledged', counts.acknowledged, ''],
    ['acknowledged writes lost', countOf(report, 'lost-write'), '0'],
    ['writes refused', counts.refused, ''],
    ['writes of unknown outcome', counts.unknown, ''],
    ['other findings', others, '0'],
  ]
  const faults = recoveriesByFault(report.recoveries)
  return [
    `seed ${seed}, ${Math.round(seconds)} s`,
    '',
    ...aligned([['figure', 'found', 'bar'], ...rows.map((row) => row.map(String))]),
    '',
    ...aligned([['fault', 'times', 'cells recovered after ms: median', 'longest', 'fallback, too: longest'], ...faults]),
    ...(report.findings.length === 0 ? [] : ['', ...report.findings.slice(0, SHOWN).map(({ kind, detail }) => `${kind}: ${detail}`)]),
    '',
    JSON.stringify({ ...report, findings: report.findings.slice(0, SHOWN), findingsCount: report.findings.length }),
  ].join('\n')
}

const recoveriesByFault = (recoveries: readonly Recovery[]): readonly (readonly string[])[] => {
  const names = [...new Set(recoveries.map(({ fault }) => fault))].toSorted()
  return names.map((name) => {
    const own = recoveries.filter(({ fault }) => fault === name)
    const cells = own.map(({ cellsMs }) => Math.round(cellsMs)).toSorted((one, other) => one - other)
    const all = Math.round(Math.max(...own.map(({ allMs }) => allMs)))
    return [name, own.length, cells[Math.floor(cells.length / 2)] ?? '', cells.at(-1) ?? '', all].map(String)
  })
}

const aligned = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
