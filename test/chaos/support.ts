/** Clusters of real processes for tests: where Kafka or the S3 server cannot be had, that is said aloud; on CI it is a failure. */
import { onTestFinished } from 'vitest'
import { makeDirectory, removeDirectory } from '../support/directory.ts'
import { kafkaIsHere } from '../support/kafka.ts'
import { s3IsHere } from '../support/s3.ts'

export const serversAreHere = async (): Promise<boolean> => (await kafkaIsHere()) && (await s3IsHere())

/** Removed with the test: to be called before what runs in it is started, which then ends before. */
export const clusterDirectory = (): string => {
  const directory = makeDirectory()
  onTestFinished(() => removeDirectory(directory))
  return directory
}
