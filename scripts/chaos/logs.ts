/** Log lines that no fault excuses. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '../cluster/cluster.ts'
import type { Finding } from './oracle.ts'

/** Bugs, and states that differ. */
const NEVER: ReadonlySet<string> = new Set([
  'bug',
  'failed',
  'unhandled-rejection',
  'state-hash-mismatch',
  'stop-failed',
  'policy-worker-failed',
])
const SHOWN_CHARACTERS = 1000

export const logFindings = ({ directory, cells, fallback }: Pick<Cluster, 'directory' | 'cells' | 'fallback'>): readonly Finding[] => {
  const members = [...cells.flatMap(({ replicator, runtime }) => [replicator, runtime]), ...(fallback === null ? [] : [fallback.member])]
  return members.flatMap(({ name }) => findingsIn(name, readFileSync(join(directory, `${name}.out`), 'utf8')))
}

export const findingsIn = (name: string, text: string): readonly Finding[] =>
  text.split('\n').flatMap((line) => {
    const isStack = /^\s+at .*\(?(?:file|node):/.test(line)
    if (!isStack && !NEVER.has(eventOf(line))) return []
    return [{ kind: 'bug-logged', detail: `${name}: ${line.slice(0, SHOWN_CHARACTERS)}` }]
  })

/** Of a log line; empty for anything else. */
const eventOf = (line: string): string => {
  if (!line.startsWith('{')) return ''
  try {
    // The one cast: any JSON.
    const parsed = JSON.parse(line) as { readonly msg?: unknown }
    return typeof parsed.msg === 'string' ? parsed.msg : ''
  } catch {
    // A process that was killed leaves half a line.
    return ''
  }
}
