/** Clusters of real processes for tests: where Kafka or the S3 server cannot be had, that is said aloud; on CI it is a failure. */
import { onTestFinished } from 'vitest'
import { s3Program } from '../../scripts/servers/s3-program.ts'
import { makeDirectory, removeDirectory } from '../support/directory.ts'
import { kafkaIsHere } from '../support/kafka.ts'

export const serversAreHere = async (): Promise<boolean> => {
  const isKafkaHere = await kafkaIsHere()
  try {
    await s3Program()
    return isKafkaHere
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    console.warn(`SKIPPED, no test of this file on S3 runs: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

/** Removed with the test: to be called before what runs in it is started, which then ends before. */
export const clusterDirectory = (): string => {
  const directory = makeDirectory()
  onTestFinished(() => removeDirectory(directory))
  return directory
}
