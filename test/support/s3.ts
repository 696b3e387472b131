/** A real S3 server for a test file, and places in buckets of a test's own. */
import { randomUUID } from 'node:crypto'
import { afterAll } from 'vitest'
import { type S3Server, s3Credentials, s3Region, startS3 } from '../../scripts/servers/s3.ts'
import { s3Program } from '../../scripts/servers/s3-program.ts'
import type { S3Place } from '../../snapshots/node/s3-store.ts'
import { makeDirectory, removeDirectory } from './directory.ts'
import { isHere } from './servers.ts'

/** Whether the server's program can be had. */
export const s3IsHere = (): Promise<boolean> => isHere('S3', s3Program)

/** Awaited at the top of a test file; the server ends after the file's last test. Null where none can be had.
 * The credentials of this process are those of the server from then on. */
export const testS3 = async (): Promise<S3Server | null> => {
  if (!(await s3IsHere())) return null
  const directory = makeDirectory()
  const server = await startS3({ directory })
  useCredentials()
  afterAll(async () => {
    server.thaw()
    await server.kill()
    removeDirectory(directory)
  })
  return server
}

/** Where the AWS SDK looks first. */
export const useCredentials = (credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } = s3Credentials): void => {
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  delete process.env['AWS_SESSION_TOKEN']
  delete process.env['AWS_PROFILE']
}

/** In a bucket that no other test uses. */
export const testBucket = async (server: S3Server, place: Partial<S3Place> = {}): Promise<S3Place> => {
  const bucket = `test-${randomUUID()}`
  await server.createBucket(bucket)
  return {
    kind: 's3',
    bucket,
    prefix: '',
    endpoint: server.endpoint,
    region: s3Region,
    forcePathStyle: true,
    checksums: 'when-supported',
    ...place,
  }
}
