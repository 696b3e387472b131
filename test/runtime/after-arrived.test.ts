/** What the platform of Node tells of requests that have arrived: they are looked at before a write goes on. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { nodePlatform } from '../../runtime/node/start.ts'
import { known } from '../../src/base/assert.ts'

test('what has arrived was looked at when the wait ends', async () => {
  const platform = nodePlatform({ logLevel: 'error' })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // What a server listens at is no path.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo
  const client = connect(port, '127.0.0.1')
  const [socket] = await once(server, 'connection')
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  let seen = ''
  // A server gives sockets.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  ;(socket as Socket).on('data', (chunk: Buffer) => (seen += chunk.toString()))
  for (const text of ['a', 'b', 'c', 'd', 'e']) {
    seen = ''
    client.write(text)
    await known(platform.afterArrived, 'Node can tell')()
    expect(seen).toBe(text)
  }
})
