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
  /** Steps of explaining one decision: goals, conditions and facts that are looked at. What takes more is left out of the answer. */
  explainSteps: 300_000,
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
  /** Records that one step of trimming the embedded log forgets: other work waits for it. */
  trimRecords: 1000,
  /** Pushes that a reader of the tail has not taken yet; beyond it, it reads the log at its own pace. */
  tailPushes: 16,
  /** A reader that has taken nothing for so long, in ms, is waited for no more. */
  tailStallMs: 10_000,
  /** Between two pushes that only say that an environment is idle, in ms. */
  idleAdvanceMs: 50,
  /** Bytes of the newest records that a replicator keeps in memory, of all environments. */
  recentBytes: 16 * 1024 * 1024,
  /** Bytes that a database image travels in. */
  imageChunkBytes: 1024 * 1024,
  /** UTF-16 units of an environment's name. */
  environmentName: 128,
  /** Wait for the lock of a data directory whose holder is just ending, in ms. */
  directoryLockMs: 1000,
  /** The same for the replicator's own replica: one turn of the thread that appends and pushes. */
  ownApplyChanges: 100,
  /** How long its pushes are gathered, in ms, while they have fewer changes and nobody waits for them: beside steady writes one turn applies several of them. */
  ownApplyWaitMs: 50,
  /** Waits before something that failed is tried again, in ms: the first, doubled each time, and the longest. */
  retryMs: 250,
  retryMaxMs: 30_000,
  /** Longest such wait for what takes no work but a question: whether the log or the shared object store answers again, in ms. */
  answerRetryMaxMs: 5000,
  /** Longest wait for the log to tell its head to whoever makes an environment, in ms. */
  boundsWaitMs: 3500,
  /** Environments that are loaded at once when a replicator starts, and that are published at once. */
  environmentsOpening: 4,
  publications: 2,
  /** How long nobody must have asked for an environment that is dropped from memory, and between two looks whether one has to be, in ms. */
  environmentIdleMs: 10_000,
  memoryLookMs: 1000,
  /** Longest wait for the replicator's image of an environment, in ms, where something else is stored that can be served. */
  imageWaitMs: 5000,
  /** Longest wait of a first question, in ms, until it is known how old the state is. */
  ageWaitMs: 2000,
  /** Between two looks at whether an environment without new records has something to publish, in ms. */
  idlePublicationMs: 5000,
  /** The lease of the publisher: how often its holder renews it, and after how long without that another takes it over, in ms (design.md 8). */
  leaseRenewMs: 2000,
  leaseStandstillMs: 10_000,
  /** Longest wait for calls to the shared object store when a replicator ends, in ms. */
  remoteCloseMs: 3000,
  /** Longest wait of a replicator that ends for what was asked of it, and for what it publishes; and of its process for its thread, in ms. */
  replicatorCloseMs: 5000,
  hostingCloseMs: 7000,
  workerCloseMs: 20_000,
  /** Between two comparisons of what another cell published with what is here, in ms. */
  compareMs: 5000,
  /** Longest wait until a replicator's own replica has what was published, in ms: it may be loading or replaying. */
  currentWaitMs: 60_000,
  /** Changes behind the newest snapshot after which another one is cut, while they come and when no more come: a start replays about 100,000 per second. */
  replayChanges: 50_000,
  quietChanges: 5000,
  /** Between two looks for objects that nothing needs, and how long nothing must have needed them, in ms (design.md 8). */
  sweepMs: 600_000,
  unreferencedMs: 3_600_000,
  /** Revisions of an environment whose state hash a replicator remembers, to compare it with what others publish. */
  stateHashes: 1024,
  /** Changes applied in one transaction, unless one record has more: one turn of the serving thread (platform.md 8). */
  applyChanges: 500,
  /** Rows of a table up to which a missing index is built on the thread that serves (design.md 5). */
  servedIndexRows: 50_000,
  /** Shapes of questions that are prepared before a swap; the others are prepared when they are asked. */
  swapShapes: 500,
  /** Changes that arrive while a swap is being prepared: with more of them it is given up, and tried again. */
  swapChanges: 200_000,
  /** Values of an image's dictionary that are taken into memory in one turn of the serving thread. */
  warmValues: 2000,
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
  /** Kept policy versions and their bytes (design.md 7). */
  policyVersions: 50,
  policyVersionBytes: 8 * 1024 * 1024,
  /** Total time of the policy tests of one save, in ms (design.md 3). */
  policyTestMs: 4000,
  /** Changes of environments and keys that wait for each other in one process; beyond it 503. */
  adminChanges: 64,
  /** Environments made by POST /test_environment (http-api.md 19). */
  testEnvironments: 1000,
  /** Wait of a write until it is applied, and of a read for its token, in ms (http-api.md 5). */
  appliedWaitMs: 1000,
  tokenWaitMs: 2000,
  /** UTF-8 bytes of the key of an object, its prefix not counted: S3 takes 1,024 with the prefix. */
  objectKeyBytes: 800,
  /** Objects that one listing tells: beyond it `too-large`. */
  listedObjects: 1_000_000,
} as const
