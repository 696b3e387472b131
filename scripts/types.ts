/** Type-checks every project: each has other globals, so that a file sees only what its platforms offer. */
import { spawnSync } from 'node:child_process'

const projects = ['tsconfig.src.json', 'tsconfig.portable.json', 'tsconfig.node.json']

const check = (project: string): boolean => {
  const { status } = spawnSync('tsc', ['-p', project], { stdio: 'inherit' })
  process.stdout.write(`${status === 0 ? 'ok' : 'FAILED'} ${project}\n`)
  return status === 0
}

// All of them run even when one fails, so that one pass shows every mistake.
const results = projects.map(check)
process.exitCode = results.every(Boolean) ? 0 : 1
