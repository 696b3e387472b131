/** The program of a real S3 server, versitygw, built by Go and kept in a cache of this project. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const s3ProgramVersion = 'v1.7.0'

const MODULE = 'github.com/versity/versitygw/cmd/versitygw'
const BUILD_MS = 600_000

/** Its path. Builds it the first time, which takes a minute; throws when Go or its modules cannot be had. */
export const s3Program = async (version = s3ProgramVersion): Promise<string> => {
  const cache = new URL('../../node_modules/.cache/arctos/', import.meta.url).pathname
  const program = join(cache, `versitygw-${version}`)
  if (existsSync(program)) return program
  mkdirSync(cache, { recursive: true })
  // Renamed when complete, so that an interrupted build is never taken for a whole one.
  const draft = mkdtempSync(join(cache, 'versitygw-'))
  try {
    await promisify(execFile)('go', ['install', `${MODULE}@${version}`], { timeout: BUILD_MS, env: { ...process.env, GOBIN: draft } })
    renameSync(join(draft, 'versitygw'), program)
  } catch (cause) {
    throw new Error('the S3 server could not be built: needed are Go (`go`) and its module proxy', { cause })
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return program
}
