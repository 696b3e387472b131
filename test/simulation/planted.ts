/** Bugs for simulations to find: each breaks one promise that the log, the store or the objects give. */
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { LogError, type PartitionedLog } from '../../src/log/log.ts'
import type { Store } from '../../src/store/facts.ts'
import type { Broker } from './broker.ts'
import type { Planted } from './simulation.ts'

/** The same object, but for some of its methods. */
export const changed = <T extends object>(target: T, changes: Partial<T>): T =>
  new Proxy(target, {
    get(_, name) {
      const own: unknown = Reflect.get(changes, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return bound(value, target)
    },
  })

/** Private fields are found by the object itself only, not by what stands in front of it. */
const bound = (value: unknown, target: object): unknown =>
  typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, target, args) : value

const dropped = (log: PartitionedLog, { random }: Broker): PartitionedLog =>
  changed(log, {
    subscribe: (listener) =>
      log.subscribe({
        published: (env, records, head) =>
          listener.published(
            env,
            records.filter(() => !random.chance(0.02)),
            head,
          ),
        failed: (env, error) => listener.failed(env, error),
      }),
  })

const lateObjects = (objects: ObjectStore): ObjectStore =>
  changed(objects, {
    put: (key, bytes, condition) => {
      if (key.endsWith('.json')) return objects.put(key, bytes, condition)
      // Answered before it is there: a crash in between loses it.
      setTimeout(() => void objects.put(key, bytes, condition).catch(() => {}), 700)
      return Promise.resolve('1')
    },
    get: async (key, options) => {
      const found = await objects.get(key, options)
      if (found !== null || key.endsWith('.json')) return found
      await new Promise((resolve) => {
        setTimeout(resolve, 1500)
      })
      return objects.get(key, options)
    },
  })

export const planted: Readonly<Record<string, Planted>> = {
  'a repeated write id is applied again': {
    wrapStore: (store: Store) => changed(store, { rememberWrite: (id, revision) => store.rememberWrite(id, revision) && false }),
  },
  'deletes by pattern find nothing in some cells': {
    wrapStore: (store: Store) => {
      const blind = ++stores % 3 === 0
      return changed(store, { remove: (pattern) => (blind && pattern.args.some(({ id }) => id === null) ? 0 : store.remove(pattern)) })
    },
  },
  'a record is not delivered': { wrapLog: dropped },
  'an append is acknowledged before it is written': {
    wrapLog: (log, { random, history }) =>
      changed(log, {
        append: async (env, record) => {
          if (!random.chance(0.05)) return log.append(env, record)
          const last = history[Number(log.partitionOf(env))]?.at(-1)
          if (last === undefined) throw new LogError('unavailable', 'nothing was written yet')
          return last.revision
        },
      }),
  },
  'the log is trimmed below what one environment needs': {
    wrapLog: (log, broker) => changed(log, { trim: (partition) => log.trim(partition, broker.partition(Number(partition)).next - 1) }),
  },
  'a manifest is written before its snapshot': { wrapObjects: lateObjects },
}

let stores = 0
