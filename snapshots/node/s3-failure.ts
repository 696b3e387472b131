/** What an S3 server or its client says went wrong, as errors of an object store. */
import { S3ServiceException } from '@aws-sdk/client-s3'
import { StoreError, type StoreErrorCode } from '../object-store.ts'
import { reasonOf, type StoreCall, storeFailure } from '../store-failure.ts'

/** An answer that is no failure, or one that its caller understands better: no object, not modified, condition lost. */
export class S3Answer extends Error {
  override readonly name = 'S3Answer'
  readonly answer: 'nothing' | 'unchanged' | 'lost' | 'without-conditions'
  constructor(answer: S3Answer['answer'], cause: unknown) {
    super(answer, { cause })
    this.answer = answer
  }
}

export const isNothing = (error: unknown): boolean => isAnswer(error, 'nothing')
export const isUnchanged = (error: unknown): boolean => isAnswer(error, 'unchanged')
export const isLost = (error: unknown): boolean => isAnswer(error, 'lost')
export const isWithoutConditions = (error: unknown): boolean => isAnswer(error, 'without-conditions')

export interface S3Failure {
  readonly error: StoreError | S3Answer
  /** Worth another attempt at once. */
  readonly again: boolean
}

export const s3Failure = (error: unknown, call: StoreCall): S3Failure => {
  if (error instanceof StoreError || error instanceof S3Answer) return { error, again: false }
  const name = error instanceof Error ? error.name : ''
  const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0
  const answer = answerOf(name, status, call)
  if (answer !== null) return { error: new S3Answer(answer, error), again: false }
  const [code, why] = meanings[name] ?? byStatus(status, error)
  return { error: storeFailure(code, call, why, error), again: code === 'unavailable' || name === 'RequestTimeTooSkewed' }
}

const isAnswer = (error: unknown, answer: S3Answer['answer']): boolean => error instanceof S3Answer && error.answer === answer

const answerOf = (name: string, status: number, call: StoreCall): S3Answer['answer'] | null => {
  if (status === 304) return 'unchanged'
  if (status === 412) return 'lost'
  if (status === 501 && call.operation === 'put') return 'without-conditions'
  if (name === 'NoSuchKey' || (status === 404 && (name === 'NotFound' || name === 'NoSuchVersion'))) return 'nothing'
  return null
}

const meanings: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  NoSuchBucket: ['missing', 'there is no such bucket'],
  PermanentRedirect: ['missing', 'the bucket is in another region: correct `region`'],
  AuthorizationHeaderMalformed: ['denied', 'the request is signed for another region or in another way: correct `region`'],
  AccessDenied: ['denied', 'access denied'],
  AllAccessDisabled: ['denied', 'access denied'],
  InvalidAccessKeyId: ['denied', 'the server does not know the access key'],
  // That of versitygw, with status 404.
  XAdminUserNotFound: ['denied', 'the server does not know the access key'],
  SignatureDoesNotMatch: ['denied', 'the signature does not match: the secret key is wrong'],
  ExpiredToken: ['denied', 'the credentials have expired'],
  CredentialsProviderError: ['denied', 'no credentials were found'],
  RequestTimeTooSkewed: ['denied', 'the clock of this machine and that of the server differ too much: correct the clock'],
  EntityTooLarge: ['too-large', 'the object is larger than the server takes'],
  // Two writers at once: neither condition was looked at.
  ConditionalRequestConflict: ['unavailable', 'another writer was in the middle of the same object'],
}

/** Of the 4xx ones; the first four tell that bytes were lost or damaged on their way. */
const passing = ['BadDigest', 'IncompleteBody', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch', 'RequestTimeout']
const passingStatus = [408, 409, 425, 429]

const byStatus = (status: number, error: unknown): readonly [StoreErrorCode, string] => {
  const why = status === 0 ? reasonOf(error) : `the server answered ${status}: ${reasonOf(error)}`
  if (error instanceof Error && error.message.startsWith('Region is missing')) return ['denied', 'the region is missing: add `region=`']
  if (status >= 400 && status < 500 && !passingStatus.includes(status) && !(error instanceof Error && passing.includes(error.name)))
    return ['denied', why]
  return ['unavailable', why]
}
