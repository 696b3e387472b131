/** Mutations of what is stored and how records of the log are applied. */
import type { Mutation } from './mutation.ts'

const apply = 'src/log/apply.ts'
const applies = ['test/portable/apply.test.ts', 'test/log/apply.test.ts']
const foreign = ['test/portable/foreign-objects.test.ts']
const stores = ['test/portable/store-model.test.ts', 'test/portable/store.test.ts']

export const stateMutations: readonly Mutation[] = [
  {
    name: 'apply-twice',
    breaks: 'records that were applied are applied again',
    file: apply,
    find: 'record.revision > start',
    replace: 'record.revision >= start',
    tests: applies,
  },
  {
    name: 'repeat-writes',
    breaks: 'a repeated write id takes effect again',
    file: apply,
    find: "body.kind === 'genesis' || store.rememberWrite(record.writeId, revision)",
    replace: "body.kind === 'genesis' || (store.rememberWrite(record.writeId, revision) && false)",
    tests: applies,
  },
  {
    name: 'follow-any-log',
    breaks: 'records of another log are applied',
    file: apply,
    find: 'record.logId !== logId',
    replace: 'logId === null',
    tests: applies,
  },
  {
    name: 'forget-position',
    breaks: 'the position is that of the first record of a group',
    file: apply,
    find: 'at(fresh, belonging - 1).revision)',
    replace: 'at(fresh, 0).revision)',
    tests: applies,
  },
  {
    name: 'keep-cache-after-rollback',
    breaks: 'numbers of values that were rolled back are still used',
    file: 'src/store/store.ts',
    find: '    this.#dictionary.reload(this.#cleared)\n',
    replace: '',
    tests: stores,
  },
  {
    name: 'keep-counts-after-rollback',
    breaks: 'tables that were rolled back are still known',
    file: 'src/store/store.ts',
    find: '    this.#tables.reload()\n',
    replace: '',
    tests: stores,
  },
  {
    name: 'hash-without-removals',
    breaks: 'the state hash does not see that facts go',
    file: 'src/store/store.ts',
    find: '    if (!this.#tables.remove(table, row)) return false\n    this.#meta.subtract(factHash(fact))\n',
    replace: '    if (!this.#tables.remove(table, row)) return false\n',
    tests: ['test/portable/store.test.ts'],
  },
  {
    name: 'pattern-of-any-type',
    breaks: 'a pattern with a type matches values of other types',
    file: 'src/store/facts-query.ts',
    find: 'if (arg?.type != null && arg.type !== type) return null',
    replace: 'if (arg?.type != null && arg.id !== null && arg.type !== type) return null',
    tests: stores,
  },
  {
    name: 'inexact-integers',
    breaks: 'large integers lose their last digits',
    file: 'src/store/dictionary.ts',
    find: 'const EXACT_DIGITS = 15',
    replace: 'const EXACT_DIGITS = 20',
    tests: ['test/portable/store-model.test.ts', 'test/portable/corpus.test.ts'],
  },
  {
    name: 'unordered-facts',
    breaks: 'stored facts come in the order of their tables',
    file: 'src/store/facts-query.ts',
    find: 'compareArguments(at(a, i), at(b, j)) <= 0)',
    replace: 'compareArguments(at(a, i), at(b, j)) <= 2)',
    tests: stores,
  },
  {
    name: 'image-of-any-environment',
    breaks: 'a snapshot of another environment of the log is served',
    file: 'snapshots/load-snapshot.ts',
    find: 'foreignTo(environmentOf(store.database), environmentOfKey(key))',
    replace: 'foreignTo(null, environmentOfKey(key))',
    tests: foreign,
  },
  {
    name: 'delta-of-any-environment',
    breaks: 'records of another environment of the log are applied',
    file: 'snapshots/delta.ts',
    find: 'foreignTo(new TextDecoder().decode(bytes.subarray(ENVIRONMENT_AT + 1, end)), env)',
    replace: 'foreignTo(null, env)',
    tests: foreign,
  },
]
