/** Programs that tests need and that not every machine has. */
import { messageOf } from '../../src/base/message.ts'

/** Whether it can be had. Said aloud where it cannot; on CI that is a failure. */
export const isHere = async (name: string, find: () => Promise<unknown>): Promise<boolean> => {
  try {
    await find()
    return true
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    console.warn(`SKIPPED, no test of this file on ${name} runs: ${messageOf(error)}`)
    return false
  }
}
