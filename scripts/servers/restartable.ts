/** A process of this machine that is killed, stopped in its tracks and started again while others use it. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { Watched } from './watched.ts'

export abstract class Restartable {
  /** The one that was started last. */
  protected process: Watched | null = null

  get pid(): number {
    return this.process?.pid ?? 0
  }

  get isRunning(): boolean {
    return this.process !== null && !this.process.over()
  }

  /** SIGKILL by default; waits for the end. Nothing when it has ended. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.process?.signal(signal)
    await this.process?.ended
  }

  /** Stops it in its tracks. The signal may be late where processors are shared: resolves when all of it stands. */
  async freeze(): Promise<void> {
    this.process?.signal('SIGSTOP')
    while (this.isRunning && !standsStill(this.pid)) await setTimeout(1)
  }

  /** Lets it go on. */
  thaw(): void {
    this.process?.signal('SIGCONT')
  }
}

/** Whether every thread is stopped, by the state behind its name; taken to be so where the system does not tell. */
const standsStill = (pid: number): boolean => {
  try {
    return readdirSync(`/proc/${pid}/task`).every((id) => /\) [TtXZ] /.test(readFileSync(`/proc/${pid}/task/${id}/stat`, 'latin1')))
  } catch {
    return true
  }
}
