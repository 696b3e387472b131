/** Modules of PyPI for a test file. */

import { pythonModules, type pythonPackages } from '../../scripts/servers/python-modules.ts'
import { messageOf } from '../../src/base/message.ts'

/** Their folder; null, said aloud, where Python or its packages cannot be had. */
export const testPython = async (name: keyof typeof pythonPackages): Promise<string | null> => {
  try {
    return await pythonModules(name)
  } catch (error) {
    console.warn(`SKIPPED, no test of this file runs: ${messageOf(error)}`)
    return null
  }
}
