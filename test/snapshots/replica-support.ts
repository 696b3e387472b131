/** A replica for tests, and short ways to say what its policy allows. */
import { pause } from '../../snapshots/pause.ts'
import type { MeasuredStorePool } from '../../snapshots/pool.ts'
import { Replica } from '../../snapshots/replica.ts'
import type { ReplicaOptions, SwapOptions } from '../../snapshots/replica-options.ts'
import type { Request } from '../../src/engine/engine.ts'
import type { RecordBody } from '../../src/log/record.ts'
import type { Store } from '../../src/store/facts.ts'
import { testPool } from '../support/image.ts'
import { insert, remove } from '../support/record.ts'

export const policy = (more = ''): RecordBody => ({
  kind: 'policy',
  source: `actor User {} resource Repo { roles = ["reader"]; permissions = ["read"]; "read" if "reader"; } ${more}`,
  filename: null,
})
export const reader = (user: string, repo = 'r1') => insert('has_role', `User:${user}`, 'String:reader', `Repo:${repo}`)
export const noReader = (user: string, repo = 'r1') => remove('has_role', `User:${user}`, 'String:reader', `Repo:${repo}`)
export const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

export const request: Request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 2000 }

export const reads = (replica: Replica, user: string, repo = 'r1'): boolean =>
  replica.engine.authorize({ type: 'User', id: user }, 'read', { type: 'Repo', id: repo }, request)

/** Calls `between` in every turn that the replica leaves to others. */
export const openReplica = (
  options: Partial<ReplicaOptions> & { readonly pool?: MeasuredStorePool } = {},
  between: () => void = () => {},
) => {
  const pool = options.pool ?? testPool()
  const logged: string[] = []
  const replica = new Replica({
    id: 'env',
    pool,
    platform: {
      log: (_, event) => void logged.push(event),
      pause: async () => {
        await pause()
        between()
      },
      monotonicMs: () => performance.now(),
    },
    ...options,
  })
  return { replica, pool, logged }
}

/** Replaces what it serves by a store of the pool, which gets it back when it is not taken. */
export const swapTo = async (
  { replica, pool }: Pick<ReturnType<typeof openReplica>, 'replica' | 'pool'>,
  store: Store,
  through: number,
  options: SwapOptions = {},
): Promise<void> => {
  const own = { isTaken: false }
  const load = async () => {
    own.isTaken = true
    return { store, through }
  }
  try {
    await replica.replace(load, options)
  } finally {
    if (!own.isTaken) pool.release(store)
  }
}
