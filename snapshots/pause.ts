/** Ends this turn of the event loop, so that waiting requests run first. */
export const pause = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 0)
  })
