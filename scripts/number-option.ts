/** The numbers among the options of a command. */

/** Of a command with this usage: where a text is no number it is printed, and the process ends with 2. */
export const numberOption =
  (usage: string) =>
  (text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : Number(text)
    if (Number.isFinite(value) && value >= 0) return value
    console.error(usage)
    process.exit(2)
  }
