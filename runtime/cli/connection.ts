/** The server that the command line talks to. */
import { ArctosClient } from '../../src/client/client.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { CliError } from './cli-error.ts'

const LOCAL = 'http://127.0.0.1:8080'

/** `OSO_URL` and `OSO_AUTH`; without a URL the local development server, whose key is well known. */
export const connect = (environment: Readonly<Record<string, string | undefined>> = process.env): ArctosClient => {
  const { OSO_URL: url = '', OSO_AUTH: key = '' } = environment
  if (key === '' && url !== '') throw new CliError('OSO_AUTH is not set: it holds the API key')
  return new ArctosClient({ url: url === '' ? LOCAL : url, key: key === '' ? developmentKey : key.trim() })
}
