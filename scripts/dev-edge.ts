/** `npm run dev:edge [-- --directory D] [--port P]`: a cell, and the Worker in front of it, on this machine and without a network, until Ctrl-C. */

import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../src/base/message.ts'
import { type DevEdge, startDevEdge } from './edge/dev-edge.ts'
import { curl, promotion, questionLines } from './example-lines.ts'

const USAGE = 'usage: npm run dev:edge [-- --directory D] [--port P] [--cell-port P]'
const EDGE_PORT = 8787

const main = async (): Promise<void> => {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { directory: text, port: text, 'cell-port': text } })
  const directory = resolve(values.directory ?? join('.arctos', 'edge'))
  const [port, cellPort] = [portOf(values.port, EDGE_PORT), portOf(values['cell-port'], 0)]
  console.log(`starting a cell and the Worker, with their data in ${directory} …`)
  const edge = await startDevEdge({ directory, port, cellPort, say: console.log })
  console.log(description(edge))
  const ended = await Promise.race([interrupted(), edge.ended])
  if (ended !== null) console.error(ended)
  console.log('stopping …')
  await edge.stop()
  if (ended !== null) process.exitCode = 1
}

const portOf = (text: string | undefined, otherwise: number): number => {
  const port = text === undefined ? otherwise : Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new Error(`a port is a number from 0, for a free one, to 65535; ${USAGE}`)
}

/** Of this process alone: the local bucket's listeners would end it at once, and the cell would be killed instead of stopped. */
const interrupted = async (): Promise<null> =>
  new Promise((resolve_) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.removeAllListeners(signal)
      process.once(signal, () => resolve_(null))
    }
  })

const description = ({ url, cellUrl, key, directory }: DevEdge): string =>
  [
    '',
    `Worker     ${url}  (runtime/worker.ts by wrangler dev, which builds it again when a file changes)`,
    `cell       ${cellUrl}  (its origin: takes the writes)`,
    `logs       ${directory}/*.out`,
    '',
    `key        ${key}`,
    '',
    'ask the Worker:',
    ...questionLines(url, key),
    'write through it, and read the write with the position that the answer tells, or a second later without:',
    `  ${curl(url, '/api/facts', key, promotion)} -i`,
    '',
    'Ctrl-C stops both.',
  ].join('\n')

try {
  await main()
  process.exit()
} catch (error) {
  console.error(messageOf(error))
  process.exit(1)
}
