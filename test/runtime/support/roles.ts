/** Facts of the policy `basic` as requests hold them, for tests that ask processes. */

/** The fact that makes a user a reader of a repository. */
export const readerOf = (user: string, repo: string) => ({
  predicate: 'has_role',
  args: [
    { type: 'User', id: user },
    { type: 'String', id: 'reader' },
    { type: 'Repo', id: repo },
  ],
})

/** The batch that makes `ana` one. */
export const grantOf = (repo: string) => [{ inserts: [readerOf('ana', repo)] }]
