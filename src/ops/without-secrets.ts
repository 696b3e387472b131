/** A rejected setting for a message: its name and password, and whatever else may be a secret in an address, are not shown. */
import { placeOptions } from './places.ts'

const MASK = '********'

/** An `@`, as it is or escaped, ends what an address says of its user; a password may hold any character before it. Of the options behind a `?` only those
 * that are known keep their value. */
export const withoutSecrets = (text: string): string => {
  const shown = text
    .replace(/^([a-z][a-z0-9+.-]*:(?:\/\/)?)?.*(?:@|%40)/is, `$1${MASK}@`)
    .replace(/(:\/\/[^/?:]*:)(?!\d+(?:[,/?]|$))[^/?@]*/g, `$1${MASK}`)
  return text.includes('?') || shown.includes('?') ? shown.replace(/([?&])([^?=&]*)(=[^&]*)?/g, option) : shown
}

const option = (whole: string, separator: string, name: string, value: string | undefined): string => {
  if (value === undefined) return name.length <= 20 ? whole : `${separator}${MASK}`
  return placeOptions.includes(name) ? whole : `${separator}${name}=${MASK}`
}
