/** One process of a cluster: it can be stopped in its tracks, killed and started again, and it ends when this process does. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Restartable } from '../servers/restartable.ts'
import { startWatched } from '../servers/watched.ts'

export type Settings = Readonly<Record<string, string>>

export interface MemberOptions {
  /** Of the file that takes its output, too. */
  readonly name: string
  /** Of the command line: `serve`, `replicate`, `fallback`, with their arguments. */
  readonly command: readonly string[]
  readonly settings: Settings
  /** Runs the command line; by default this Node does. */
  readonly program?: readonly string[]
  /** Where the file with its output is. */
  readonly directory: string
}

const main = fileURLToPath(new URL('../../runtime/cli/main.ts', import.meta.url))
/** What every command prints once it serves. */
const SERVES = /^arctos (?:serves|replicates) /m
const LOOK_MS = 25
/** What is told of a process that ended. */
const TOLD_CHARACTERS = 3000

export class Member extends Restartable {
  readonly name: string
  readonly #options: MemberOptions
  /** Length of the output before the last start. */
  #before = 0

  constructor(options: MemberOptions) {
    super()
    this.name = options.name
    this.#options = options
  }

  /** What it has printed and logged since it was last started. */
  get output(): string {
    const path = this.#path
    return existsSync(path) ? readFileSync(path).subarray(this.#before).toString() : ''
  }

  /** Resolves when there is a process; `serving` when it serves. */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`\`${this.name}\` is running`)
    const path = this.#path
    this.#before = existsSync(path) ? statSync(path).size : 0
    // Settings of the shell that started this one are no business of it.
    const foreign = Object.keys(process.env).filter((name) => /^(?:ARCTOS|OSO|AWS)_/.test(name))
    const clean = ['env', ...foreign.flatMap((name) => ['-u', name])]
    // Beside the names that are cleared the settings are in place: variables of the watching shell would be cleared, too.
    const variables = Object.entries(this.#options.settings).map(([name, value]) => `${name}=${value}`)
    const { program = [process.execPath, main], command } = this.#options
    this.process = await startWatched([...clean, ...variables, ...program, ...command], path)
  }

  /** Rejects with its last words when it ended or takes too long. */
  async serving(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs
    while (!SERVES.test(this.output)) {
      if (!this.isRunning) throw new Error(`\`${this.name}\` ended: ${this.#lastWords}`)
      if (performance.now() > until) throw new Error(`\`${this.name}\` does not serve after ${timeoutMs} ms: ${this.#lastWords}`)
      await pause(LOOK_MS)
    }
  }

  get #path(): string {
    return join(this.#options.directory, `${this.name}.out`)
  }

  get #lastWords(): string {
    return this.output.slice(-TOLD_CHARACTERS)
  }
}
