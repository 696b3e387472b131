/** What goes wrong in a run, and how it is put right again. */
import type { Cell } from '../cluster/cell.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Member } from '../cluster/member.ts'
import { type Network, whole } from '../cluster/proxy.ts'
import { restart } from './restart.ts'

export interface Fault {
  readonly name: string
  /** Of the cell whose processes or networks it is about, or null. */
  readonly cell: number | null
  /** Whether other cells get nothing from the log meanwhile. */
  readonly stopsLog: boolean
  strike(): Promise<void>
  /** Resolves when everything that was taken away is there again: it need not work yet. */
  heal(): Promise<void>
}

export type CellFault = (cluster: Cluster, cell: number) => Fault
export type SharedFault = (cluster: Cluster) => Fault

const ofCell =
  (name: string, act: (cell: Cell) => Pick<Fault, 'strike' | 'heal'>): CellFault =>
  ({ cells }, index) => {
    const cell = cells[index]
    if (cell === undefined) throw new Error(`there is no cell ${index}`)
    return { name, cell: index, stopsLog: false, ...act(cell) }
  }

const shared =
  (name: string, stopsLog: boolean, act: (cluster: Cluster) => Pick<Fault, 'strike' | 'heal'>): SharedFault =>
  (cluster) => ({ name, cell: null, stopsLog, ...act(cluster) })

const killed = (...members: readonly Member[]) => ({
  strike: async () => void (await Promise.all(members.map((member) => member.kill()))),
  heal: async () => {
    for (const member of members) await restart(member)
  },
})

const frozen = (...stopped: readonly { freeze(): Promise<void>; thaw(): void }[]) => ({
  strike: async () => void (await Promise.all(stopped.map((one) => one.freeze()))),
  heal: async () => stopped.forEach((one) => one.thaw()),
})

const network = (links: readonly ({ network: Network } | undefined)[], broken: Network) => {
  const set = (state: Network) => async (): Promise<void> => {
    for (const link of links) if (link !== undefined) link.network = state
  }
  return { strike: set(broken), heal: set(whole) }
}

const slow: Network = { kind: 'slow', delayMs: 150 }
const narrow: Network = { kind: 'narrow', bytesPerSecond: 20_000 }
const silent: Network = { kind: 'silent' }
const reset: Network = { kind: 'reset' }

export const cellFaults = {
  'replicator killed': ofCell('replicator killed', ({ replicator }) => killed(replicator)),
  'replicator stopped': ofCell('replicator stopped', ({ replicator }) => frozen(replicator)),
  'runtime killed': ofCell('runtime killed', ({ runtime }) => killed(runtime)),
  'runtime stopped': ofCell('runtime stopped', ({ runtime }) => frozen(runtime)),
  'cell killed': ofCell('cell killed', ({ replicator, runtime }) => killed(replicator, runtime)),
  'cell stopped': ofCell('cell stopped', ({ replicator, runtime }) => frozen(replicator, runtime)),
  'data directory lost': ofCell('data directory lost', (cell) => {
    const both = killed(cell.replicator, cell.runtime)
    return {
      ...both,
      strike: async () => {
        await both.strike()
        cell.loseDirectory()
      },
    }
  }),
  'log silent for a cell': ofCell('log silent for a cell', ({ links }) => network([links?.kafka], silent)),
  'log cut off from a cell': ofCell('log cut off from a cell', ({ links }) => network([links?.kafka], reset)),
  'log slow for a cell': ofCell('log slow for a cell', ({ links }) => network([links?.kafka], slow)),
  'log narrow for a cell': ofCell('log narrow for a cell', ({ links }) => network([links?.kafka], narrow)),
  'store silent for a cell': ofCell('store silent for a cell', ({ links }) => network([links?.s3], silent)),
  'store slow for a cell': ofCell('store slow for a cell', ({ links }) => network([links?.s3], slow)),
} as const satisfies Record<string, CellFault>

export const sharedFaults = {
  'broker killed': shared('broker killed', true, ({ kafka }) => ({ strike: () => kafka.kill(), heal: () => kafka.start() })),
  'broker stopped': shared('broker stopped', true, ({ kafka }) => frozen(kafka)),
  'store killed': shared('store killed', false, ({ s3 }) => ({ strike: () => s3.kill(), heal: () => s3.start() })),
  'store stopped': shared('store stopped', false, ({ s3 }) => frozen(s3)),
  'log slow for all': shared('log slow for all', false, ({ cells }) =>
    network(
      cells.map(({ links }) => links?.kafka),
      slow,
    ),
  ),
  'store cut off from the fallback': shared('store cut off from the fallback', false, ({ fallback }) =>
    network([fallback?.link ?? undefined], reset),
  ),
  'fallback killed': shared('fallback killed', false, ({ fallback }) => killed(...(fallback === null ? [] : [fallback.member]))),
  'fallback starts without a store': shared('fallback starts without a store', false, ({ fallback, s3 }) => ({
    strike: async () => {
      await s3.kill()
      await fallback?.member.kill()
      if (fallback !== null) await restart(fallback.member)
    },
    heal: () => s3.start(),
  })),
  'log and store killed': shared('log and store killed', true, ({ kafka, s3 }) => ({
    strike: async () => void (await Promise.all([kafka.kill(), s3.kill()])),
    heal: async () => void (await Promise.all([kafka.start(), s3.start()])),
  })),
} as const satisfies Record<string, SharedFault>

/** A cell starts from its data directory with everything else down. */
export const coldStart: CellFault = ({ cells, kafka, s3 }, index) => {
  const cell = cells[index]
  if (cell === undefined) throw new Error(`there is no cell ${index}`)
  return {
    name: 'cell starts without log and store',
    cell: index,
    stopsLog: true,
    strike: async () => {
      await Promise.all([kafka.kill(), s3.kill()])
      await Promise.all([cell.replicator.kill(), cell.runtime.kill()])
      await restart(cell.replicator)
      await restart(cell.runtime)
    },
    heal: async () => void (await Promise.all([kafka.start(), s3.start()])),
  }
}
