/** What a process loads: a runtime has no client of Kafka or of an object store in it. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)

/** Packages under these names that are loaded with a module. */
const loadedWith = (module: string): readonly string[] => {
  const code = `import { registerHooks } from 'node:module'
const packages = new Set()
registerHooks({
  resolve(specifier, context, next) {
    const [found] = /^(?:kafkajs|@aws-sdk)(?=$|\\/)/.exec(specifier) ?? []
    if (found !== undefined) packages.add(found)
    return next(specifier, context)
  },
})
await import(${JSON.stringify(new URL(module, root).href)})
console.log(JSON.stringify([...packages].toSorted()))
process.exit(0)`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', timeout: 30_000 })
  if (stdout === '') throw new Error(stderr)
  const found: unknown = JSON.parse(stdout)
  return Array.isArray(found) ? found.map(String) : []
}

test('a runtime loads neither kafkajs nor the AWS SDK; a log on Kafka and a store on S3 do', () => {
  expect(loadedWith('runtime/node.ts')).toEqual([])
  expect(loadedWith('replicator/kafka-log.ts')).toEqual(['kafkajs'])
  expect(loadedWith('snapshots/node/s3-store.ts')).toEqual(['@aws-sdk'])
})
