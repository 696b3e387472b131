/** Does with its first byte what a thread of images should not: throw, end, or answer another question. */
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', ({ bytes }: { readonly bytes: Uint8Array }) => {
  if (bytes[0] === 0) throw new Error('no')
  if (bytes[0] === 1) process.exit(3)
  parentPort?.postMessage({ kind: 'proven', recomputed: null })
})
