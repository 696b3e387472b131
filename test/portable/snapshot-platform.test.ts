/** The platform of web standards, on either runtime. */
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { platformConformance } from '../snapshots/platform-conformance.ts'

platformConformance('web standards', webSnapshotPlatform)
