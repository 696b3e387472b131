/** A process of ours that tests start, listen to and kill. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

export interface Child {
  readonly pid: number
  /** Whole lines of standard output so far, in order. */
  readonly lines: readonly string[]
  /** Resolves with the first line, past or future, that satisfies; rejects with the child's errors when it ends before. */
  line(wanted: (line: string) => boolean): Promise<string>
  /** Sends a signal and waits for the end; nothing when it has ended. All of its output is in `lines` then. */
  end(signal?: NodeJS.Signals): Promise<void>
  /** Exit code or signal, when it ends by itself. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** Runs a TypeScript or JavaScript file with this Node. Killed, if still there, when the test ends. */
export const startChild = (file: URL, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Child => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file.pathname, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const lines: string[] = []
  const listeners = new Set<() => void>()
  const changed = (): void => listeners.forEach((listener) => listener())
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    changed()
  })
  let over = false
  const ended = endOf(child).finally(() => {
    over = true
    changed()
  })

  const end = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (!over) child.kill(signal)
    await ended
  }
  onTestFinished(() => end())

  return {
    pid: child.pid ?? 0,
    lines,
    ended,
    end,
    async line(wanted) {
      return new Promise((resolve, reject) => {
        let next = 0
        const look = (): void => {
          for (; next < lines.length; next++) {
            const line = lines[next] ?? ''
            if (!wanted(line)) continue
            listeners.delete(look)
            return resolve(line)
          }
          if (!over) return undefined
          listeners.delete(look)
          return reject(new Error(`the process ended without the line: ${errors}`))
        }
        listeners.add(look)
        look()
      })
    },
  }
}

// `close` comes after the last byte of output, `exit` may come before.
const endOf = async (child: ChildProcess): Promise<number | NodeJS.Signals> =>
  new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0))
  })
