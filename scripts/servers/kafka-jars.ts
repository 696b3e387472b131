/** The jars of a real Kafka broker, from Maven Central, kept in a cache of this project. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from './cached.ts'

export const kafkaVersion = '4.3.1'

const LOG4J = '2.25.5'
const DOWNLOAD_MS = 300_000

/** The folder that holds them. Fetches them the first time; throws when Java is missing, or Maven, or what it fetches. */
export const kafkaJars = async (version = kafkaVersion): Promise<string> => {
  await needed('java')
  return cached(`kafka-${version}`, (draft) => fetchJars(draft, version))
}

const needed = async (program: string): Promise<void> => {
  try {
    await promisify(execFile)(program, ['-version'])
  } catch (cause) {
    throw new Error(`\`${program}\` does not run: Kafka needs Java 17`, { cause })
  }
}

const fetchJars = async (draft: string, version: string): Promise<string> => {
  const [pom, jars] = [join(draft, 'pom.xml'), join(draft, 'jars')]
  writeFileSync(pom, project(version))
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`]
  try {
    await promisify(execFile)('mvn', ['-q', '-B', '-f', pom, ...copy], { timeout: DOWNLOAD_MS })
    return jars
  } catch (cause) {
    throw new Error('the jars of Kafka could not be fetched: needed are Java 17, Maven (`mvn`) and Maven Central', { cause })
  }
}

// The broker ends at start without log4j, which its own artifact does not name.
const project = (version: string): string => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>arctos</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka_2.13', version)}
    ${['log4j-api', 'log4j-core', 'log4j-slf4j-impl'].map((name) => dependency('org.apache.logging.log4j', name, LOG4J)).join('\n    ')}
  </dependencies>
</project>
`

const dependency = (group: string, artifact: string, version: string): string =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
