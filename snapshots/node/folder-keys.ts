/** Keys as paths below a folder, and back. The store's own files begin with a dot, those of keys never do. */
import { join } from 'node:path'

export const pathOf = (root: string, key: string): string => join(root, ...key.split('/').map(nameOf))

/** The part of a key that a file or folder stands for; null when it is none of ours. */
export const partOf = (name: string): string | null => {
  try {
    const part = decodeURIComponent(name)
    return nameOf(part) === name ? part : null
  } catch {
    // No name that `nameOf` makes.
    return null
  }
}

/** What is in a key of ours stays as it is, so that any web server can serve the folder. */
const nameOf = (part: string): string =>
  part.replaceAll(/^\.|[^A-Za-z0-9._=+@,~-]/gu, (character) =>
    Array.from(new TextEncoder().encode(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
