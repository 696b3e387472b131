/** A thread of images that takes a job and never answers. */
import { parentPort } from 'node:worker_threads'
import { known } from '../../../src/base/assert.ts'

known(parentPort, 'this file runs as a worker').on('message', () => undefined)
