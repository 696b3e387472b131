/** The last entry of a backup: what is in it (docs/formats/backup.md). */
import * as z from 'zod/mini'
import { ArchiveError } from '../snapshots/tar.ts'

export const backupListName = 'arctos-backup.json'
export const backupFormat = 1

export interface BackedUpFile {
  /** Below the data directory, with slashes. */
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

export interface BackupList {
  readonly format: typeof backupFormat
  readonly createdAtMs: number
  /** Version of the engine. */
  readonly engine: string
  /** Of the embedded log; null in a data directory without one. */
  readonly logId: string | null
  /** Last revision of each environment in that log. */
  readonly revisions: Readonly<Record<string, number>>
  readonly files: readonly BackedUpFile[]
}

const shape = z.object({
  format: z.literal(backupFormat),
  createdAtMs: z.number(),
  engine: z.string(),
  logId: z.nullable(z.string()),
  revisions: z.record(z.string(), z.number()),
  files: z.array(z.object({ path: z.string(), sizeBytes: z.number(), sha256: z.string() })),
})

/** Throws ArchiveError. */
export const parseBackupList = (text: string): BackupList => {
  const parsed = shape.safeParse(json(text))
  if (parsed.success) return parsed.data
  throw new ArchiveError(`its list \`${backupListName}\` is damaged, or of a newer version of Arctos`)
}

const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // No shape fits it.
    return null
  }
}
