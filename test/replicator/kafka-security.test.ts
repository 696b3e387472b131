/** The log on Kafka over TLS, with every mechanism of SASL, and with what is wrong about them. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import type { KafkaPlace } from '../../src/ops/places.ts'
import { everything, refusal } from '../log/log-conformance.ts'
import { makeDirectory, removeDirectory } from '../support/directory.ts'
import { kafkaIsHere, openLog, openTestLog, testKafka, testPlace } from '../support/kafka.ts'
import { facts, logRecord } from '../support/record.ts'

const directory = makeDirectory()
afterAll(() => removeDirectory(directory))
const store = join(directory, 'keys.p12')
const certificate = join(directory, 'certificate.pem')

/** A certificate for 127.0.0.1 that nothing but itself vouches for. */
const makeKeys = (): void => {
  const program = 'keytool'
  const keytool = (...args: readonly string[]): string =>
    execFileSync(program, [...args, '-keystore', store, '-storetype', 'PKCS12', '-storepass', 'changeit', '-alias', 'broker'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  keytool('-genkeypair', '-keyalg', 'RSA', '-keysize', '2048', '-validity', '2', '-dname', 'CN=broker', '-ext', 'san=ip:127.0.0.1')
  writeFileSync(certificate, keytool('-exportcert', '-rfc'))
}

const here = await kafkaIsHere()
if (here) makeKeys()
const user = { name: 'arctos', password: 'open-sesame' }
const module = 'org.apache.kafka.common.security'
const kafka = await testKafka({
  secured: {
    protocol: 'SASL_SSL',
    properties: {
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.location': store,
      'ssl.keystore.password': 'changeit',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'plain.sasl.jaas.config': `${module}.plain.PlainLoginModule required user_${user.name}="${user.password}";`,
      'scram-sha-256.sasl.jaas.config': `${module}.scram.ScramLoginModule required;`,
      'scram-sha-512.sasl.jaas.config': `${module}.scram.ScramLoginModule required;`,
    },
    scramUsers: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) => ({ mechanism, ...user })),
  },
})

const secured = (place: Partial<KafkaPlace>): KafkaPlace => {
  const server = known(kafka, 'a broker')
  return testPlace(server, { brokers: [server.securedAddress], ...place })
}

describe.skipIf(kafka === null)('TLS and SASL', () => {
  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('%s over TLS with a certificate file', async (sasl) => {
    const log = await openTestLog(secured({ tls: certificate, sasl }), { username: user.name, password: user.password })
    log.assign('e', 1)
    const revision = await log.append('e', logRecord(facts()))
    expect((await everything(log, 'e')).map((found) => found.revision)).toEqual([revision])
    await log.trim('1', revision)
    expect(await log.bounds('e')).toEqual({ first: revision + 1, last: revision })
  })

  test.each([
    ['a wrong password', { tls: certificate, sasl: 'plain' }, { username: user.name, password: 'wrong' }, /Authentication failed/],
    ['a name that nobody has', { tls: certificate, sasl: 'scram-sha-256' }, { username: 'nobody', password: 'x' }, /Authentication failed/],
    [
      'no name',
      { tls: certificate, sasl: 'plain' },
      {},
      /needs a name and a password: set ARCTOS_KAFKA_USERNAME and ARCTOS_KAFKA_PASSWORD/,
    ],
    [
      'a certificate that the system does not trust',
      { tls: true, sasl: 'plain' },
      { username: user.name, password: user.password },
      /self-signed certificate/,
    ],
    [
      'a certificate file that is not there',
      { tls: '/nowhere.pem', sasl: 'plain' },
      { username: user.name, password: user.password },
      /cannot be read from `\/nowhere.pem`/,
    ],
  ] as const)('%s is said', async (_what, place, credentials, reason) => {
    const opening = openLog(secured(place), credentials)
    await expect(opening).rejects.toThrow(reason)
    await expect(opening).rejects.not.toThrow(user.password)
    expect(await refusal(opening)).toBe('unavailable')
  })
})
