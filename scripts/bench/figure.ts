/** Figures: one JSON line each as they come, a table at the end. */

export interface Bar {
  readonly on: 'value' | 'ratio'
  readonly sign: '≤' | '≥'
  readonly limit: number
}

export interface Figure {
  readonly name: string
  readonly size: string
  readonly value: number
  readonly unit: string
  /** The value against its reference of the same run. */
  readonly ratio?: number
  readonly bar?: Bar
}

export const atMost = (limit: number, on: Bar['on'] = 'value'): Bar => ({ on, sign: '≤', limit })
export const atLeast = (limit: number, on: Bar['on'] = 'value'): Bar => ({ on, sign: '≥', limit })

/** Null when there is no bar. */
export const passes = ({ value, ratio, bar }: Figure): boolean | null => {
  if (bar === undefined) return null
  const measured = bar.on === 'value' ? value : (ratio ?? Number.NaN)
  return bar.sign === '≤' ? measured <= bar.limit : measured >= bar.limit
}

export const figureLine = (figure: Figure): string => {
  const { name, size, value, unit, ratio, bar } = figure
  return JSON.stringify({
    name,
    size,
    value: rounded(value),
    unit,
    bar: bar === undefined ? null : barText(bar, unit),
    ratio: ratio === undefined ? null : rounded(ratio),
    pass: passes(figure),
  })
}

export const figureTable = (figures: readonly Figure[]): string => {
  const rows = figures.map((figure) => {
    const { name, size, value, unit, ratio, bar } = figure
    const pass = passes(figure)
    return [
      name,
      size,
      `${rounded(value)} ${unit}`,
      ratio === undefined ? '' : `${rounded(ratio)} ×`,
      bar === undefined ? '' : barText(bar, unit),
      pass === null ? '' : pass ? 'ok' : 'MISSED',
    ]
  })
  const all = [['figure', 'size', 'value', 'ratio', 'bar', ''], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const barText = ({ on, sign, limit }: Bar, unit: string): string => `${sign} ${limit} ${on === 'ratio' ? '×' : unit}`

/** Four digits that count. */
const rounded = (value: number): number => Number(value.toPrecision(4))
