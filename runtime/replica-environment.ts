/** What an environment says of itself by what its replica holds at the moment: in a cell and at an edge alike. */
import type { Replica } from '../snapshots/replica.ts'
import type { CheckedPolicy } from '../src/check/core.ts'
import type { Engine } from '../src/engine/engine.ts'
import type { Store } from '../src/store/facts.ts'
import type { Environment } from './service.ts'

type State = Pick<Environment, 'id' | 'store' | 'policy' | 'engine' | 'position' | 'through' | 'problem'>

export abstract class ReplicaEnvironment implements State {
  readonly id: string
  /** Serves from one state after another, under the same waiters. */
  protected readonly replica: Replica

  constructor(replica: Replica) {
    this.id = replica.id
    this.replica = replica
  }

  get store(): Store {
    return this.replica.store
  }

  get policy(): CheckedPolicy {
    return this.replica.policy
  }

  get engine(): Engine {
    return this.replica.engine
  }

  get position(): string {
    return this.replica.position
  }

  get through(): number {
    return this.replica.through
  }

  get problem(): string | null {
    return this.replica.problem
  }
}
