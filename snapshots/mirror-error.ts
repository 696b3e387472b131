/** Why a mirror was not brought up to date. */

/** `outranked`: a publisher of a later lease wrote there; `damaged`: the local object is not what its name says;
 * `missing`: the local manifest names what is not there; `foreign`: the remote store belongs to another log; `racing`: others wrote at the same time, again and again. */
export class MirrorError extends Error {
  override readonly name = 'MirrorError'
  readonly code: 'outranked' | 'damaged' | 'missing' | 'foreign' | 'racing'
  /** Of the other publisher. */
  readonly epoch: number | null
  constructor(code: MirrorError['code'], message: string, epoch: number | null = null) {
    super(message)
    this.code = code
    this.epoch = epoch
  }
}
