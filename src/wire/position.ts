/** The consistency token: a position in the log of one environment, opaque to clients. */

export interface Position {
  readonly logId: string
  readonly revision: number
}

export const formatPosition = (logId: string, revision: number): string => `${logId}:${revision}`

const POSITION = /^([!-9;-~]{1,128}):([0-9]{1,15})$/

/** The position in a token, or null when it is none of ours: such a token is ignored. */
export const parsePosition = (token: string): Position | null => {
  const match = POSITION.exec(token)
  return match?.[1] === undefined || match[2] === undefined ? null : { logId: match[1], revision: Number(match[2]) }
}
