/** Every bound of the system, named, with its source. */

export const limits = {
  /** Arguments of a fact (polar.md 16). */
  factArguments: 5,
  /** Arguments of a rule predicate (polar.md 16). */
  ruleArguments: 16,
  /** UTF-8 bytes of a fact argument (polar.md 16). */
  argumentBytes: 384,
  /** Nesting of parentheses and `not` (polar.md 16). */
  nesting: 200,
  /** Reported diagnostics (polar.md 16). */
  diagnostics: 100,
  /** Disjuncts of one rule after `or` is multiplied out: bounds the time of a hostile policy. */
  disjuncts: 4096,
  /** Conditions of one rule, and of all such rules, after `or` is multiplied out; what is written without repetition always fits. */
  ruleConditions: 65_536,
  policyConditions: 400_000,
  /** Names that all types of a policy inherit, supertypes included: bounds long chains of `extends`. */
  inheritedNames: 200_000,
  /** Names compared with a misspelled one for a hint. */
  similarNames: 5000,
  /** Rule heads looked at while types are inferred; beyond it a type stays "any". */
  inferenceSteps: 5_000_000,
  /** Setup facts of all tests of a policy, fixtures included where they are used. */
  testFacts: 1_000_000,
  /** Remembered answers to "is this fact accepted" per policy. */
  acceptedSignatures: 10_000,
  /** Steps of planning that one question or policy may take (typed rules, orders of conditions, pieces of SQL): bounds time and memory of a hostile policy. */
  planWork: 200_000,
  /** Relations that the plan of one question may have: predicates, each by types, constants and what is known of its arguments. */
  planRelations: 5000,
  /** Steps of one SQL statement, alternatives multiplied out: above it a question is evaluated by rounds. */
  sqlFragments: 5000,
  /** Relations of one question that is evaluated by rounds. */
  roundTables: 500,
  /** Context facts of one request (http-api.md 15). */
  contextFacts: 100,
  /** Bytes of a read request (http-api.md 15). */
  readBytes: 10 * 1024 * 1024,
  /** Bytes of a write request in production (http-api.md 15). */
  writeBytes: 960 * 1024,
  /** Bytes of a write request in development (http-api.md 15). */
  developmentWriteBytes: 10 * 1024 * 1024,
  /** Encoded bytes of a log record in production and on Kafka (design.md 7). */
  recordBytes: 1000 * 1024,
  /** Encoded bytes of a log record in development (design.md 7). */
  developmentRecordBytes: 10 * 1024 * 1024,
  /** Appends that wait for the log, and their bytes: over it `overloaded`. */
  appendQueueRecords: 1024,
  appendQueueBytes: 64 * 1024 * 1024,
  /** Records and bytes that share one durable commit. */
  commitRecords: 512,
  commitBytes: 16 * 1024 * 1024,
  /** Records and bytes of one read of the log. */
  readRecords: 256,
  readChunkBytes: 1024 * 1024,
  /** Pushes that a reader of the tail has not taken yet; beyond it, it reads the log at its own pace. */
  tailPushes: 16,
  /** UTF-16 units of an environment's name. */
  environmentName: 128,
  /** Wait for the lock of a data directory whose holder is just ending, in ms. */
  directoryLockMs: 1000,
  /** Changes applied in one transaction, unless one record has more: one turn of the serving thread (platform.md 8). */
  applyChanges: 500,
  /** Facts of one batch in production (http-api.md 15). */
  batchFacts: 1000,
  /** Facts removed by one wildcard delete in production (http-api.md 15). */
  wildcardDeleteFacts: 10_000,
  /** Answers of GET /facts (http-api.md 15). */
  getFacts: 100_000,
  /** Ids of one page of a list (http-api.md 10.2). */
  pageIds: 100_000,
  /** Rows of one answer (design.md 5). */
  resultRows: 1_000_000,
  /** Query time in ms (http-api.md 15). */
  queryMs: 2000,
  /** Remembered write ids (design.md 7). */
  writeIds: 65_536,
  /** Values remembered of the dictionary, in each direction: at most twice as many, about 100 bytes each. */
  dictionaryCache: 50_000,
  /** Kept policy versions and their bytes (design.md 7). */
  policyVersions: 50,
  policyVersionBytes: 8 * 1024 * 1024,
  /** Total time of the policy tests of one save, in ms (design.md 3). */
  policyTestMs: 4000,
  /** Environments made by POST /test_environment (http-api.md 19). */
  testEnvironments: 1000,
  /** Wait of a write until it is applied, and of a read for its token, in ms (http-api.md 5). */
  appliedWaitMs: 1000,
  tokenWaitMs: 2000,
} as const
