/** Routes that a Worker leaves to its origin, for their code takes more room than their use at an edge is worth. */
import { endpoints } from '../../src/wire/endpoints.ts'
import { Elsewhere } from '../elsewhere.ts'
import type { Route } from '../exchange.ts'

const explain: Route = {
  endpoint: endpoints.explain,
  handle() {
    throw new Elsewhere(
      'left-out',
      'not-available',
      'a Worker does not explain its answers, and this one has no origin that would: ask a cell',
    )
  },
}

export const leftOutRoutes: readonly Route[] = [explain]
