/** The thread that checks policies, when it misbehaves. */
import { expect, test } from 'vitest'
import { PolicyThread } from '../../runtime/node/policy-thread.ts'
import { compileModules } from '../../snapshots/node/stores.ts'

const ask = (source: string) => ({ source, filename: null, runTests: true, failFast: false })

test('a worker that hangs, crashes or fails is replaced, and the next policy is checked', async () => {
  const logged: string[] = []
  const modules = await compileModules()
  const thread = new PolicyThread(modules, (_, event) => void logged.push(event), new URL('./support/strange-worker.ts', import.meta.url))
  expect((await thread.check(ask('fine'))).kind).toBe('checked')
  await expect(thread.check(ask('crash'))).rejects.toThrow('the policy checker stopped')
  expect((await thread.check(ask('fine'))).kind).toBe('checked')
  await expect(thread.check(ask('fail'))).rejects.toThrow('told to')
  const hanging = thread.check(ask('hang'))
  const waiting = thread.check(ask('fine'))
  expect(await hanging).toEqual({ kind: 'over-budget', message: expect.stringContaining('4 s') })
  expect((await waiting).kind).toBe('checked')
  expect(logged).toContain('policy-worker-replaced')
  const last = thread.check(ask('hang'))
  const queued = Array.from({ length: 16 }, () => thread.check(ask('fine')))
  await expect(thread.check(ask('fine'))).rejects.toThrow('too many policies')
  const ends = Promise.allSettled([last, ...queued])
  await thread.close()
  expect((await ends).every(({ status }) => status === 'rejected')).toBe(true)
  await expect(thread.check(ask('fine'))).rejects.toThrow('shutting down')
})
