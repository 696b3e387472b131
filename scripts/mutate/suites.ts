/** The tests that notice most mutations. */

export const corpus: readonly string[] = ['test/portable/corpus.test.ts']
/** For what no policy of the corpus needs. */
export const random: readonly string[] = [...corpus, 'test/random/random.test.ts']
