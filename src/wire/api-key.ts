/** API keys: `e_<environment>_<token id>_<secret>`, and the admin key: `a_<secret>`. Only their hashes are kept. */

export interface ApiKey {
  readonly environment: string
  readonly tokenId: string
}

const KEY = /^e_([A-Za-z0-9-]{1,64})_([A-Za-z0-9-]{1,64})_[A-Za-z0-9_-]{16,256}$/
const ADMIN_KEY = /^a_[A-Za-z0-9_-]{16,256}$/
const ENVIRONMENT = /^[A-Za-z0-9-]{1,64}$/

/** What a key says about itself, or null when it is malformed. */
export const parseKey = (key: string): ApiKey | null => {
  const match = KEY.exec(key)
  return match?.[1] === undefined || match[2] === undefined ? null : { environment: match[1], tokenId: match[2] }
}

export const isAdminKey = (key: string): boolean => ADMIN_KEY.test(key)

export const isEnvironmentId = (id: string): boolean => ENVIRONMENT.test(id)

/** The key of the default environment of a development server, as published client tests expect it. */
export const developmentKey = 'e_0123456789_12345_osotesttoken01xiIn'
export const developmentEnvironment = '0123456789'
