/** Processes that serve collect all of memory when there is three times as much of it as the last time. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const running = new URL('../../runtime/cli/running.ts', import.meta.url)

const growthOf = (before: string): string | undefined => {
  // What little there is would be collected in little time, by which V8 takes the least growth.
  const program = `${before}; globalThis.held = Array.from({ length: 1000 }, (_, id) => ({ id })); gc(); gc()`
  const flags = ['--expose-gc', '--trace-gc-verbose', '--input-type=module']
  const output = execFileSync(process.execPath, [...flags, '-e', program], { encoding: 'utf8', cwd: fileURLToPath(new URL('.', running)) })
  return [...output.matchAll(/\[HeapController\] factor ([\d.]+)/g)].at(-1)?.[1]
}

test('however little time collecting takes', () => {
  const start = `const { startRunning } = await import(${JSON.stringify(running.href)}); await startRunning(async () => ({ log() {}, async stop() {} }))`
  expect(growthOf(start)).toBe('3.0')
  // V8 would have taken another one.
  expect(growthOf('')).not.toBe('3.0')
})
