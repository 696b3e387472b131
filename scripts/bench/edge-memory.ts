/** What an isolate holds at its peak of what a platform counts, while images of 45 MB replace each other; and what its process takes meanwhile. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { assert, at } from '../../src/base/assert.ts'
import { answerOf, checkOf, grants } from './ask-cell.ts'
import { type Answer, headerOf } from './connection.ts'
import type { EdgeWorld } from './edge.ts'
import { insertsOf, writeRecord } from './edge-images.ts'
import { atMost, type Figure } from './figure.ts'
import { countedBytes, sample } from './inspector.ts'
import { checkQuestions } from './questions.ts'
import { startWorkerd } from './workerd.ts'

/** After about ten garbage is collected. */
const SWAPS = 14
const LOOK_MS = 20
/** A minute at least. */
const MOST_LOOKS = 3000
const MB = 1e6
/** As limits of memory are counted, those of heaps among them. */
const MIB = 1024 * 1024
const ISOLATE_MIB = 128

/** Figures of Linux, which alone tells of peaks; none elsewhere. */
export const memoryFigures = async (world: EdgeWorld): Promise<Figure[]> => {
  if (process.platform !== 'linux') return []
  const { size, images, loaded, answers } = world
  const worker = await startWorkerd({ ...world, settings: { ...world.settings, ARCTOS_REFRESH_MS: String(LOOK_MS) }, inspected: true })
  try {
    await worker.untilAnswered({ path: '/livez', body: null }, '{"message":"alive"}')
    const idle = peakBytes(worker.pid)
    const { allowed, ...question } = at(checkQuestions(answers, 1, 71), 0)
    await worker.untilAnswered(checkOf(question), answerOf(allowed))
    const one = peakBytes(worker.pid)
    const inspector = await worker.inspector()
    const sampling = sample(inspector, { live: false })
    const image = { rawBytes: 0 }
    for (let number = 0; number < SWAPS; number += 1) {
      const { store } = loaded
      writeRecord(store, store.revision() + 1, insertsOf(grants(`memory_${number}`, 1)))
      const entry = await images.upload(store)
      await images.show(entry)
      await untilAt(entry.revision, () => worker.client.ask(checkOf(question)))
      image.rawBytes = entry.rawBytes
    }
    const most = await sampling.most()
    await inspector.collect()
    const after = await inspector.memory()
    inspector.close()
    const name = 'workerd: peak of its memory above that of an idle one'
    return [
      { name: 'image of the swaps, raw', size, value: image.rawBytes / MB, unit: 'MB' },
      { name: 'workerd: peak of its memory, nothing loaded', size, value: idle / MB, unit: 'MB' },
      { name: `${name}, one image loaded`, size, value: (one - idle) / MB, unit: 'MB' },
      { name: `${name}, ${SWAPS} swaps`, size, value: (peakBytes(worker.pid) - idle) / MB, unit: 'MB' },
      { name: `isolate: most that counts in ${SWAPS} swaps`, size, value: countedBytes(most) / MIB, unit: 'MiB', bar: atMost(ISOLATE_MIB) },
      { name: 'isolate: of that in wasm', size, value: most.wasm / MIB, unit: 'MiB' },
      { name: 'isolate: what counts after the swaps and a collection', size, value: countedBytes(after) / MIB, unit: 'MiB' },
    ]
  } finally {
    await worker.stop()
  }
}

const untilAt = async (revision: number, ask: () => Promise<Answer>): Promise<void> => {
  for (
    let look = 0;
    Number(
      headerOf(await ask(), 'arctos-revision')
        ?.split(':')
        .at(-1),
    ) < revision;
    look += 1
  ) {
    assert(look < MOST_LOOKS, 'it is swapped')
    await delay(LOOK_MS)
  }
}

const peakBytes = (pid: number): number => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
