/** `npm run cluster [-- --directory D] [--cells N]`: Kafka, an S3 server, cells and a fallback on this machine, with an example to try, until Ctrl-C. */

import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { exampleFacts, examplePolicy, exampleQuestions } from '../runtime/example.ts'
import { messageOf } from '../src/base/message.ts'
import type { ArctosClient } from '../src/client/client.ts'
import { type Cluster, startCluster } from './cluster/cluster.ts'
import { curl, promotion, questionLines } from './example-lines.ts'

const USAGE = 'usage: npm run cluster -- [--directory D] [--cells N]'
const MOST_CELLS = 9

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options: { directory: { type: 'string' }, cells: { type: 'string' } } })
  const directory = resolve(values.directory ?? join('.arctos', 'cluster'))
  const cells = Number(values.cells ?? 3)
  if (!Number.isInteger(cells) || cells < 1 || cells > MOST_CELLS) throw new Error(`--cells is a number from 1 to ${MOST_CELLS}; ${USAGE}`)
  console.log(`starting Kafka, an S3 server, ${cells} cells and a fallback, with their data in ${directory} …`)
  const cluster = await startCluster({ directory, cells, load })
  console.log(description(cluster))
  await interrupted()
  console.log('stopping …')
  await cluster.stop()
}

const load = async (client: ArctosClient): Promise<void> => {
  await client.savePolicy(examplePolicy, 'example.polar')
  await client.batch([{ inserts: exampleFacts.map(({ predicate, args }) => ({ predicate, args: [...args] })) }])
}

const interrupted = async (): Promise<void> =>
  new Promise((resolve_) => {
    process.once('SIGINT', () => resolve_())
    process.once('SIGTERM', () => resolve_())
  })

const description = (cluster: Cluster): string => {
  const { cells, fallback, kafka, s3, key, readOnlyKey, adminKey, directory } = cluster
  const [first, second] = [cells[0]?.url ?? '', (cells[1] ?? cells[0])?.url ?? '']
  const admin = `OSO_URL=${first} OSO_AUTH=${adminKey} npx arctos`
  return [
    '',
    ...cells.map(({ name, url, runtime, replicator }) => `${name}     ${url}  (runtime ${runtime.pid}, replicator ${replicator.pid})`),
    ...(fallback === null ? [] : [`fallback   ${fallback.url}  (${fallback.member.pid})`]),
    `Kafka      ${kafka.address}  (${kafka.pid})`,
    `S3         ${s3.endpoint}  (${s3.pid})`,
    `logs       ${directory}/*.out`,
    '',
    `key        ${key}`,
    `read-only  ${readOnlyKey}`,
    `admin      ${adminKey}`,
    '',
    'ask any cell:',
    ...questionLines(first, key),
    'write on one cell, read your write on another with the position that the answer tells:',
    `  token=$(${curl(first, '/api/batch', key, [{ inserts: [promotion] }])} -o /dev/null -D - | sed -n 's/^osooffset: //Ip' | tr -d '\\r')`,
    `  ${curl(second, '/api/authorize', key, { ...exampleQuestions[1]?.body })} -H "OsoOffset: $token"  # {"allowed":true}`,
    'kill what you like (`kill -9`, `kill -STOP`), and ask the others, or the fallback:',
    ...(fallback === null
      ? []
      : [`  ${curl(fallback.url, '/api/authorize', readOnlyKey, { ...exampleQuestions[0]?.body })}  # {"allowed":true}`]),
    'look inside:',
    `  ${admin} env list`,
    `  ${admin} snapshot ${cluster.environment}`,
    `  curl -s ${first}/v1/status -H 'Authorization: Bearer ${adminKey}'`,
    `  curl -s ${first}/metrics`,
    '',
    'Ctrl-C stops everything.',
  ].join('\n')
}

try {
  await main()
  process.exit(0)
} catch (error) {
  console.error(messageOf(error))
  process.exit(1)
}
