/** A process of this machine that is killed, stopped in its tracks and started again while others use it. */
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

  /** Stops it in its tracks, and lets it go on. */
  freeze(): void {
    this.process?.signal('SIGSTOP')
  }

  thaw(): void {
    this.process?.signal('SIGCONT')
  }
}
