/** What a setting may hold that nobody else should read is in no message about it. */
import { describe, expect, test } from 'vitest'
import { connect } from '../../runtime/cli/connection.ts'
import { configure, describeConfiguration } from '../../src/ops/configuration.ts'
import { withoutSecrets } from '../../src/ops/without-secrets.ts'

const SECRET = 'hunter2'

const refused: readonly (readonly [variable: string, text: string])[] = [
  ['ARCTOS_LOG', `kafka://user:${SECRET}@broker:9092/arctos`],
  ['ARCTOS_LOG', `kafka://user:${SECRET}@a:1,user:${SECRET}@b:2/arctos`],
  ['ARCTOS_LOG', `kafka://user:p/${SECRET}@broker:9092/arctos`],
  ['ARCTOS_LOG', `kafka://user:p?${SECRET}@broker:9092/arctos`],
  ['ARCTOS_LOG', `kafka://user:${SECRET}%40broker:9092/arctos`],
  ['ARCTOS_LOG', `kafka://user:${SECRET}/arctos`],
  ['ARCTOS_LOG', `kafka://broker:9092/arctos?sasl=plain&password=${SECRET}`],
  ['ARCTOS_LOG', `kafka://broker:9092/arctos?sasl.jaas.config=${SECRET}`],
  ['ARCTOS_LOG', `KAFKA://user:${SECRET}@broker:9092/arctos`],
  ['ARCTOS_LOG', `user:${SECRET}@broker:9092`],
  ['ARCTOS_STORE', `s3://AKIA:${SECRET}@bucket/prefix`],
  ['ARCTOS_STORE', `s3://bucket/prefix?secretAccessKey=${SECRET}&region=r`],
  ['ARCTOS_STORE', `s3://bucket/prefix?endpoint=http://user:${SECRET}@127.0.0.1:9000`],
  ['ARCTOS_STORE', `s3://bucket/prefix?endpoint=${encodeURIComponent(`http://user:${SECRET}@127.0.0.1:9000`)}`],
  ['ARCTOS_STORE', `https://user:${SECRET}@example.org/objects`],
  ['ARCTOS_ORIGIN', `https://user:${SECRET}@example.org`],
  ['ARCTOS_REPLICATOR', `http://user:${SECRET}@127.0.0.1:7000`],
  ['ARCTOS_ADMIN_KEY', SECRET],
]

describe('a name and password in a setting', () => {
  test.each(refused)('%s=%s is refused, and not shown', (variable, text) => {
    const configured = configure({ [variable]: text }, {})
    expect(configured.problems).toHaveLength(1)
    expect(configured.problems[0]).toContain(`${variable} must be`)
    expect(configured.problems.join()).not.toContain(SECRET)
    expect(describeConfiguration(configured).join()).not.toContain(SECRET)
  })

  test('the message says where they belong', () => {
    expect(configure({ ARCTOS_LOG: `kafka://user:${SECRET}@broker:9092/arctos` }, {}).problems[0]).toMatch(
      /ARCTOS_KAFKA_PASSWORD, found `kafka:\/\/\*{8}@broker:9092\/arctos`$/,
    )
  })

  test('a flag is treated the same', () => {
    expect(configure({}, { log: `kafka://user:${SECRET}@broker:9092/arctos` }).problems.join()).not.toContain(SECRET)
  })

  test('of the address of a server for the command line, too', () => {
    expect(() => connect({ OSO_URL: `https://user:${SECRET}@example.org`, OSO_AUTH: 'e_a_b_c' })).toThrow(/^OSO_URL is (?!.*hunter2)/)
  })
})

test('secrets of their own are masked in what is printed of the settings', () => {
  const secrets = ['ARCTOS_KAFKA_PASSWORD', 'ARCTOS_SECRET', 'OSO_API_TOKEN']
  for (const variable of secrets) expect(describeConfiguration(configure({ [variable]: SECRET }, {})).join()).not.toContain(SECRET)
})

test.each([
  'kafka//broker:9092',
  'kafka://broker/arctos',
  'kafka://broker:9092,other:9093/arctos?partitions=none&tls=perhaps',
  's3://Bucket/prefix',
  'ftp://example.org',
])('%s holds no secret and is shown as it is', (text) => {
  expect(withoutSecrets(text)).toBe(text)
})

test('good places are taken as before', () => {
  const { problems } = configure(
    {
      ARCTOS_LOG: 'kafka://broker:9092,[::1]:9093/arctos?sasl=plain&tls=true',
      ARCTOS_STORE: 's3://bucket/a@b?endpoint=http://127.0.0.1:9000&region=r',
      ARCTOS_ORIGIN: 'https://example.org/cell@home',
      ARCTOS_REPLICATOR: 'http://127.0.0.1:7000',
    },
    {},
  )
  expect(problems).toEqual([])
})
