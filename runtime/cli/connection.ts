/** The server that the command line talks to. */
import { AdminClient } from '../../src/client/admin-client.ts'
import { ArctosClient } from '../../src/client/client.ts'
import type { ClientOptions } from '../../src/client/transport.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { CliError } from './cli-error.ts'

const LOCAL = 'http://127.0.0.1:8080'

type Variables = Readonly<Record<string, string | undefined>>

/** `OSO_URL` and `OSO_AUTH`; without a URL the local development server, whose key is well known. */
export const connect = (environment: Variables = process.env): ArctosClient => new ArctosClient(place(environment, developmentKey))

/** The same for the admin API, whose key is never well known. */
export const connectAsAdmin = (environment: Variables = process.env): AdminClient => new AdminClient(place(environment, null))

const place = ({ OSO_URL: url = '', OSO_AUTH: key = '' }: Variables, localKey: string | null): ClientOptions => {
  // An address is shown when it cannot be reached.
  if (url.includes('@')) throw new CliError('OSO_URL is `http(s)://host:port` without a name or password: the key is in OSO_AUTH')
  if (key !== '') return { url: url === '' ? LOCAL : url, key: key.trim() }
  if (localKey === null) throw new CliError('OSO_AUTH is not set: it holds the admin key, as `arctos key generate --admin` prints it')
  if (url !== '') throw new CliError('OSO_AUTH is not set: it holds the API key')
  return { url: LOCAL, key: localKey }
}
