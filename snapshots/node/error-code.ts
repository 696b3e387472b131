/** The code that Node gives its errors: of the operating system, of a socket, of a codec. */

/** As in `ENOENT`, `ECONNRESET` or `Z_DATA_ERROR`; empty where there is none. */
export const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
