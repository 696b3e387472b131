/** Connections that are left alone for longer than SDKs leave them. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { connectTo } from './support/connection.ts'
import { canRead, published, startCell, startFallback, storeOf, until } from './support/edge-processes.ts'
import { basic } from './support/policies.ts'
import { post } from './support/process.ts'
import { grantOf } from './support/roles.ts'

const IDLE_MS = 61_000

test('http 16: a connection that was idle for a minute is used again, of a cell and of a fallback', async () => {
  const cell = await startCell()
  await post(cell, '/api/policy', { src: basic })
  await post(cell, '/api/batch', grantOf('r1'))
  await published(cell)
  const fallback = await startFallback(storeOf(cell))
  await until(() => canRead(fallback))
  const connections = [cell, fallback].map((server) => connectTo(server))
  const answersOn = async ({ socket, state, until: when }: ReturnType<typeof connectTo>): Promise<string> => {
    state.text = ''
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
    await when(() => state.closed || state.text.includes('alive'))
    return state.text
  }
  const alive = /^HTTP\/1\.1 200 [\s\S]*\r\nkeep-alive: timeout=80\r\n/i
  for (const connection of connections) expect(await answersOn(connection)).toMatch(alive)
  await delay(IDLE_MS)
  for (const connection of connections) {
    expect(connection.state.closed).toBe(false)
    expect(await answersOn(connection)).toMatch(alive)
    connection.socket.destroy()
  }
}, 180_000)
