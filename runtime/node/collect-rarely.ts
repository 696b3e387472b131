/** How often V8 collects all of memory in a process that serves. */
import { setFlagsFromString } from 'node:v8'

/** How much more there may be when the next collection begins, in percent of what the last one left. */
const GROWTH = 200

/** For the whole process, from its next collection on.
 *
 * V8 itself takes between 10 and 300 percent, so that collecting takes 3 % of the time: for small requests at a steady pace that is 10, and then all of
 * memory is collected every few seconds, 40 ms on both of two processors, with whoever asks meanwhile waiting (docs/adr/0017). */
export const collectRarely = (): void => setFlagsFromString(`--heap-growing-percent=${GROWTH}`)
