/** Arbitrary records, and short ways to write them. */
import fc from 'fast-check'
import type { Fact, FactPattern, Value, ValuePattern } from '../../src/base/value.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import type { Change, LogRecord, RecordBody, RestoreBody } from '../../src/log/record.ts'

/** Any text that has UTF-8, nasty ones often. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    '\0',
    'a\0b',
    '\ufeff',
    '\ufeffalice',
    '😀',
    'é',
    "it's",
    '"',
    '\\',
    '\n',
    '*',
    '%',
    '\u2028',
    '__proto__',
    '\uffff',
    '💩'.repeat(96),
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.record({ type: text, id: text }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((id) => ({ type: 'Integer', id: id.toString() })),
  fc.boolean().map((id) => ({ type: 'Boolean', id: String(id) })),
)
const pattern: fc.Arbitrary<ValuePattern> = fc.oneof(
  value,
  text.map((type) => ({ type, id: null })),
  fc.constant({ type: null, id: null }),
)
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ predicate: text, args: fc.array(value, { maxLength: 5 }) }).map((fact): Change => ({ kind: 'insert', fact })),
  fc.record({ predicate: text, args: fc.array(pattern, { maxLength: 5 }) }).map((found): Change => ({ kind: 'delete', pattern: found })),
)

export const body: fc.Arbitrary<RecordBody> = fc.oneof(
  fc.constantFrom<RecordBody>({ kind: 'genesis' }, { kind: 'clear' }),
  fc.record({ kind: fc.constant('policy' as const), source: text, filename: fc.option(text) }),
  fc.array(change, { maxLength: 20 }).map((changes): RecordBody => ({ kind: 'facts', changes })),
  fc.record({
    kind: fc.constant('restore' as const),
    key: text,
    sha256: text,
    storedBytes: fc.maxSafeNat(),
    rawBytes: fc.maxSafeNat(),
    stateHash: text,
    revision: fc.integer({ min: -1 }),
  }),
)

export const record: fc.Arbitrary<LogRecord> = fc.record({
  format: fc.constant(1 as const),
  logId: text,
  writeId: text,
  appendedAtMs: fc.maxSafeNat(),
  body,
})

/** `User:alice`, `User:*`, `*`. */
export const valuePattern = (written: string): ValuePattern => {
  const [type = '', id = ''] = written.split(':')
  return type === '*' ? { type: null, id: null } : { type, id: id === '*' ? null : id }
}

export const fact = (predicate: string, ...args: readonly string[]): Fact => ({
  predicate,
  args: args.map((arg) => ({ type: arg.split(':')[0] ?? '', id: arg.split(':')[1] ?? '' })),
})

export const insert = (predicate: string, ...args: readonly string[]): Change => ({ kind: 'insert', fact: fact(predicate, ...args) })

export const remove = (predicate: string, ...args: readonly string[]): Change => {
  const found: FactPattern = { predicate, args: args.map(valuePattern) }
  return { kind: 'delete', pattern: found }
}

export const facts = (...changes: readonly Change[]): RecordBody => ({ kind: 'facts', changes })

export const logRecord = (recordBody: RecordBody, options: { readonly writeId?: string; readonly logId?: string } = {}): LogRecord => ({
  format: 1,
  logId: options.logId ?? 'log',
  writeId: options.writeId ?? 'write',
  appendedAtMs: 1_700_000_000_000,
  body: recordBody,
})

/** Back to a state of `revision`; what the object is does not matter to who only reads the record. */
export const restoring = (revision: number): RestoreBody => ({
  kind: 'restore',
  key: `e/restores/${revision}-00.sqlite.gz`,
  sha256: '00',
  storedBytes: 1,
  rawBytes: 1,
  stateHash: '00',
  revision,
})

/** A whole log: the genesis, then the bodies with write ids of their own. */
export const wholeLog = (...bodies: readonly RecordBody[]): readonly RevisedRecord[] =>
  [{ kind: 'genesis' } as const, ...bodies].map((recordBody, revision) => ({
    revision,
    record: logRecord(recordBody, { writeId: `write-${revision}` }),
  }))
