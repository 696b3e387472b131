/** A server process that ends when this one does, however that ends. */
import { spawn } from 'node:child_process'

export interface Watched {
  readonly pid: number
  readonly ended: Promise<void>
  over(): boolean
  /** Nothing when it has ended. */
  signal(name: NodeJS.Signals): void
}

// The shell kills the server when its own input ends, which happens even when this process is killed.
const WATCHED =
  'exec 3<&0; "$@" </dev/null >>"$OUTPUT" 2>&1 & server=$!; echo $server; (cat <&3 >/dev/null; kill -9 $server) & watcher=$!; wait $server; kill $watcher'

/** `output` is the file that what it prints is appended to. */
export const startWatched = async (
  command: readonly string[],
  output: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Watched> => {
  const shell = spawn('sh', ['-c', WATCHED, 'sh', ...command], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ...env, OUTPUT: output },
    // Ctrl-C in a terminal reaches a whole group; whoever started the server decides how it ends.
    detached: true,
  })
  let over = false
  const ended = new Promise<void>((resolve) => {
    shell.once('exit', () => {
      over = true
      shell.stdin.destroy()
      resolve()
    })
  })
  // Broken when the server ends first.
  shell.stdin.on('error', () => undefined)
  const pid = await new Promise<number>((resolve, reject) => {
    shell.once('error', reject)
    shell.stdout.once('data', (bytes: Buffer) => resolve(Number(bytes.toString().trim().split('\n')[0])))
  })
  return {
    pid,
    ended,
    over: () => over,
    signal(name) {
      if (!over) process.kill(pid, name)
    },
  }
}
