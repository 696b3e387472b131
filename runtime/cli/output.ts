/** Writing to the terminal. */

export const print = (text: string): void => void process.stdout.write(`${text}\n`)

export const printError = (text: string): void => void process.stderr.write(`${text}\n`)

/** `1 test`, `2 tests`. */
export const countOf = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
