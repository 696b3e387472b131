/** The thread of `parser.ts`: takes one input after the other, and tells where it is and what is wrong. */
import { parentPort, workerData } from 'node:worker_threads'
import { inputFaults } from '../../test/polar/random-input.ts'
import type { ParserRun } from './parser.ts'

const { first, count, policies, place }: ParserRun = workerData

for (let index = 0; index < count; index++) {
  Atomics.store(place, 0, index)
  for (const fault of inputFaults(first + index, policies)) parentPort?.postMessage(`seed ${first + index}: ${fault}`)
}
parentPort?.postMessage(null)
