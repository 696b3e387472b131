/** Programs and clients of PyPI, in a cache of this project. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { cached } from './cached.ts'

export const pythonPackages = { schemathesis: '4.32.5', 'oso-cloud': '2.6.0' } as const

const INSTALL_MS = 600_000

/** The folder of a package's modules and of those it needs. Installs them the first time; throws when Python 3, pip or the packages cannot be had. */
export const pythonModules = async (name: keyof typeof pythonPackages): Promise<string> => {
  const version = pythonPackages[name]
  return cached(`${name}-${version}`, async (draft) => {
    try {
      const install = ['-m', 'pip', 'install', '--quiet', '--target', draft, `${name}==${version}`]
      await promisify(execFile)('python3', install, { timeout: INSTALL_MS })
      return draft
    } catch (cause) {
      throw new Error(`${name} of PyPI could not be installed: needed are Python 3 (\`python3\`), pip and its package index`, { cause })
    }
  })
}
