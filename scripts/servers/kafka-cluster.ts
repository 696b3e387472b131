/** Several real Kafka brokers that are one cluster, each of them a controller, too, on loopback. */
import { join } from 'node:path'
import { known } from '../../src/base/assert.ts'
import { freePorts } from './free-ports.ts'
import { type KafkaServer, startKafka } from './kafka.ts'

export interface KafkaClusterOptions {
  /** Has a folder for each node. */
  readonly directory: string
  readonly nodes: number
}

/** Resolves when all nodes answer. They end when this process does, however that ends. */
export const startKafkaCluster = async ({ directory, nodes }: KafkaClusterOptions): Promise<KafkaCluster> => {
  const controllerPorts = await freePorts(nodes)
  const start = async (id: number): Promise<KafkaServer> =>
    startKafka({ directory: join(directory, String(id)), node: { id, controllerPorts } })
  // At once: one alone does not answer, because it waits for a majority.
  const started = await Promise.all(controllerPorts.map(async (_, index) => [index + 1, await start(index + 1)] as const))
  return new KafkaCluster(new Map(started), start)
}

export class KafkaCluster {
  readonly #nodes: Map<number, KafkaServer>
  readonly #start: (id: number) => Promise<KafkaServer>

  constructor(nodes: ReadonlyMap<number, KafkaServer>, start: (id: number) => Promise<KafkaServer>) {
    this.#nodes = new Map(nodes)
    this.#start = start
  }

  /** From 1 on, as the brokers know each other. */
  get ids(): readonly number[] {
    return [...this.#nodes.keys()]
  }

  /** Of all nodes, whether or not they run. */
  get addresses(): readonly string[] {
    return this.ids.map((id) => this.node(id).address)
  }

  node(id: number): KafkaServer {
    return known(this.#nodes.get(id), 'a node of the cluster')
  }

  /** After `kill`: with the same data, for its clients on another port. Resolves when it answers. */
  async move(id: number): Promise<void> {
    this.#nodes.set(id, await this.#start(id))
  }

  async kill(): Promise<void> {
    for (const node of this.#nodes.values()) {
      node.thaw()
      await node.kill()
    }
  }
}
