/** What the process of a Worker takes at its peak while images of 45 MB replace each other, beyond what it takes before it has any. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { assert, at } from '../../src/base/assert.ts'
import { answerOf, checkOf, grants } from './ask-cell.ts'
import { type Answer, headerOf } from './connection.ts'
import type { EdgeWorld } from './edge.ts'
import { insertsOf, writeRecord } from './edge-images.ts'
import type { Figure } from './figure.ts'
import { checkQuestions } from './questions.ts'
import { startWorkerd } from './workerd.ts'

const SWAPS = 6
const LOOK_MS = 20
/** A minute at least. */
const MOST_LOOKS = 3000
const MB = 1e6

/** Figures of Linux, which alone tells of peaks; none elsewhere. */
export const memoryFigures = async (world: EdgeWorld): Promise<Figure[]> => {
  if (process.platform !== 'linux') return []
  const { size, images, loaded, answers } = world
  const worker = await startWorkerd({ ...world, settings: { ...world.settings, ARCTOS_REFRESH_MS: String(LOOK_MS) } })
  try {
    await worker.untilAnswered({ path: '/livez', body: null }, '{"message":"alive"}')
    const idle = peakBytes(worker.pid)
    const { allowed, ...question } = at(checkQuestions(answers, 1, 71), 0)
    await worker.untilAnswered(checkOf(question), answerOf(allowed))
    const one = peakBytes(worker.pid)
    const image = { rawBytes: 0 }
    for (let number = 0; number < SWAPS; number += 1) {
      const { store } = loaded
      writeRecord(store, store.revision() + 1, insertsOf(grants(`memory_${number}`, 1)))
      const entry = await images.upload(store)
      await images.show(entry)
      await untilAt(entry.revision, () => worker.client.ask(checkOf(question)))
      image.rawBytes = entry.rawBytes
    }
    const databases = await worker.client.send({ path: '/metrics', body: null })
    const wasm = Number(/^arctos_wasm_bytes (\d+)/m.exec(databases.body)?.[1])
    const name = 'workerd: peak of its memory above that of an idle one'
    return [
      { name: 'image of the swaps, raw', size, value: image.rawBytes / MB, unit: 'MB' },
      { name: 'workerd: peak of its memory, nothing loaded', size, value: idle / MB, unit: 'MB' },
      { name: `${name}, one image loaded`, size, value: (one - idle) / MB, unit: 'MB' },
      { name: `${name}, ${SWAPS} swaps`, size, value: (peakBytes(worker.pid) - idle) / MB, unit: 'MB' },
      { name: 'databases of the Worker after the swaps', size, value: wasm / MB, unit: 'MB' },
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
