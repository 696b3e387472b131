/** How far an import has come: a bar on a terminal, a line now and then elsewhere. */
import type { Progress } from './import-facts.ts'

export interface ShownProgress {
  show(progress: Progress): void
  /** A line beside it. */
  note(text: string): void
  /** Takes the bar away. */
  end(): void
}

export interface ProgressOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const BAR_MS = 100
const LINE_MS = 2000

/** `sizeBytes` is that of the file, null when it is not known. */
export const openProgress = (
  sizeBytes: number | null,
  output: ProgressOutput = process.stderr,
  nowMs: () => number = () => performance.now(),
): ShownProgress => {
  const terminal = output.isTTY === true
  const startMs = nowMs()
  let shownMs = Number.NEGATIVE_INFINITY
  let drawn = false
  const clear = (): void => {
    if (drawn) output.write('\r\u001B[K')
    drawn = false
  }
  return {
    show(progress) {
      const now = nowMs()
      if (now - shownMs < (terminal ? BAR_MS : LINE_MS)) return
      shownMs = now
      if (terminal) {
        output.write(`\r${barText(progress, { sizeBytes, elapsedMs: now - startMs, columns: output.columns ?? 80 })}\u001B[K`)
        drawn = true
      } else output.write(`committed line ${progress.line}, ${progress.facts} facts\n`)
    },
    note(text) {
      clear()
      output.write(`${text}\n`)
    },
    end: clear,
  }
}

interface BarOptions {
  readonly sizeBytes: number | null
  readonly elapsedMs: number
  readonly columns: number
}

/** `[######----]  61%  12,000 facts, line 12,004, 3,400/s`, no wider than the terminal. */
export const barText = ({ line, facts, bytes }: Progress, { sizeBytes, elapsedMs, columns }: BarOptions): string => {
  const perSecond = Math.round(facts / Math.max(0.001, elapsedMs / 1000))
  const tail = `${count(facts)} facts, line ${count(line)}, ${count(perSecond)}/s`
  if (sizeBytes === null || sizeBytes === 0) return tail.slice(0, columns - 1)
  const share = Math.min(1, bytes / sizeBytes)
  const width = Math.max(0, Math.min(30, columns - tail.length - 11))
  const filled = Math.round(share * width)
  const bar = width === 0 ? '' : `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] `
  return `${bar}${String(Math.floor(share * 100)).padStart(3)}%  ${tail}`.slice(0, columns - 1)
}

const count = (value: number): string => value.toLocaleString('en')
