/** How far a number reaches; decimals and exponents are measured so that they can be refused as a whole. */
import { isDigit, isSymbolStart } from './characters.ts'

export interface MeasuredNumber {
  readonly end: number
  /** An integer, without decimals and exponent. */
  readonly whole: boolean
}

/** Measures the number at `start`, which is a sign, a digit or a decimal point with a digit behind it. */
export const measureNumber = (text: string, start: number): MeasuredNumber => {
  const signed = text[start] === '+' || text[start] === '-'
  const whole = digitsEnd(text, signed ? start + 1 : start)
  const end = exponentEnd(text, decimalsEnd(text, whole))
  return { end, whole: end === whole }
}

const digitsEnd = (text: string, start: number): number => {
  let end = start
  while (isDigit(text.charCodeAt(end))) end += 1
  return end
}

/** `.5`, also several times as in a version number, or a point that no attribute follows. */
const decimalsEnd = (text: string, start: number): number => {
  let end = start
  while (text[end] === '.' && isDigit(text.charCodeAt(end + 1))) end = digitsEnd(text, end + 1)
  return end === start && text[end] === '.' && !isSymbolStart(text.charCodeAt(end + 1)) ? end + 1 : end
}

const exponentEnd = (text: string, start: number): number => {
  if (text[start] !== 'e' && text[start] !== 'E') return start
  const digits = text[start + 1] === '+' || text[start + 1] === '-' ? start + 2 : start + 1
  return isDigit(text.charCodeAt(digits)) ? digitsEnd(text, digits) : start
}
