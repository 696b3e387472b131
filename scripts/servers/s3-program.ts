/** The program of a real S3 server, versitygw, built by Go and kept in a cache of this project. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cached.ts'

export const s3ProgramVersion = 'v1.7.0'

const MODULE = 'github.com/versity/versitygw/cmd/versitygw'
const BUILD_MS = 600_000

/** Its path. Builds it the first time, which takes a minute; throws when Go or its modules cannot be had. */
export const s3Program = async (version = s3ProgramVersion): Promise<string> =>
  cached(`versitygw-${version}`, async (draft) => {
    try {
      await promisify(execFile)('go', ['install', `${MODULE}@${version}`], { timeout: BUILD_MS, env: { ...process.env, GOBIN: draft } })
      return join(draft, 'versitygw')
    } catch (cause) {
      throw new Error('the S3 server could not be built: needed are Go (`go`) and its module proxy', { cause })
    }
  })
