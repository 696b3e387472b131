/** Every route of the admin API. */
import type { AdminRoute } from '../control-exchange.ts'
import { environmentRoutes } from './admin-environments.ts'
import { keyRoutes } from './admin-keys.ts'
import { snapshotRoutes } from './admin-snapshots.ts'
import { statusRoute } from './admin-status.ts'

export const adminRoutes: readonly AdminRoute[] = [statusRoute, ...environmentRoutes, ...keyRoutes, ...snapshotRoutes]
