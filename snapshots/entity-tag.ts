/** The version of an object as the entity tag of HTTP, and back: a version may hold what a tag may not. */

export const tagOf = (version: string): string => `"${encodeURIComponent(version)}"`

/** Undefined for no tag, and for one that is none of ours: what it names is another version. Proxies that compress make tags weak. */
export const versionOf = (tag: string | null | undefined): string | undefined => {
  const text = /^(?:W\/)?"([\w.!~*'()%-]*)"$/.exec(tag ?? '')?.[1]
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}
