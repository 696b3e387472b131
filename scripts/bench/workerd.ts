/** Plain workerd with the Worker of the bench, and a web server on loopback with the objects that it follows. */
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { assert } from '../../src/base/assert.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { freePorts } from '../servers/free-ports.ts'
import { startWatched } from '../servers/watched.ts'
import { Client } from './client.ts'
import { Connection, type Sent } from './connection.ts'
import { type Inspector, inspectorAt } from './inspector.ts'
import { answerR2, r2RequestHeader } from './r2-protocol.ts'

const MAX_BYTES = 2 ** 30
const COMPATIBILITY_DATE = '2026-10-20'
/** By default the heap may take a share of the machine, and garbage is left for as long. */
const ISOLATE_MIB = 128
const LOOK_MS = 1
const ANSWER_MS = 120_000

export interface ServedObjects {
  readonly url: string
  close(): void
}

/** As any web server has them, with versions as tags, and as a bucket of R2. */
export const serveObjects = async (objects: ObjectStore): Promise<ServedObjects> => {
  const respond = async (key: string, tag: string | undefined) => {
    const object = await objects.get(key, tag === undefined ? {} : { unless: tag.replaceAll('"', '') })
    if (object === null || object === 'unchanged') return { status: object === null ? 404 : 304, tag: '', bytes: null }
    return { status: 200, tag: `"${object.version}"`, bytes: await objectBytes(key, object, MAX_BYTES) }
  }
  const server = createServer((request, response) => {
    const asked = request.headers[r2RequestHeader]
    if (typeof asked === 'string') {
      void answerR2(objects, asked).then(
        ({ status, headers, bytes }) => response.writeHead(status, { ...headers, 'Content-Length': bytes.length }).end(bytes),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
      return
    }
    void respond(decodeURIComponent((request.url ?? '').slice(1)), request.headers['if-none-match']).then(
      ({ status, tag, bytes }) => {
        response.writeHead(status, bytes === null ? {} : { ETag: tag, 'Content-Length': bytes.length })
        response.end(bytes)
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

export interface WorkerdOptions {
  /** With the bundle in it; the configuration and the output are written beside it. */
  readonly directory: string
  readonly objects: ServedObjects
  readonly settings?: Readonly<Record<string, string>>
  /** By a binding of R2 instead of HTTP. */
  readonly r2?: boolean
  /** With an inspector, and with the heap that an isolate may have. */
  readonly inspected?: boolean
}

export interface RunningWorker {
  readonly port: number
  readonly pid: number
  readonly client: Client
  /** From before the process was started until the answer came for the first time; what comes before it is a refusal to wait for. */
  untilAnswered(sent: Omit<Sent, 'key'>, answer: string): Promise<number>
  /** Of one that is inspected. */
  inspector(): Promise<Inspector>
  stop(): Promise<void>
}

export const startWorkerd = async ({
  directory,
  objects,
  settings = {},
  r2 = false,
  inspected = false,
}: WorkerdOptions): Promise<RunningWorker> => {
  const [port = 0, inspectorPort = 0] = await freePorts(2)
  const config = join(directory, `worker-${port}.capnp`)
  const texts = { ARCTOS_MODE: 'development', ...(!r2 && { ARCTOS_STORE: objects.url }), ...settings }
  await writeFile(config, configuration({ port, texts, bucket: r2 ? new URL(objects.url).host : null, inspected }))
  const startMs = performance.now()
  const flags = inspected ? [`--inspector-addr=127.0.0.1:${inspectorPort}`] : []
  const watched = await startWatched([binary(), 'serve', ...flags, config], join(directory, 'workerd.out'))
  const client = new Client({ port }, developmentKey)
  return {
    port,
    pid: watched.pid,
    client,
    async untilAnswered(sent, answer) {
      while (!(await connects(port))) {
        assert(!watched.over(), `workerd serves; see ${directory}/workerd.out`)
        await delay(LOOK_MS)
      }
      for (;;) {
        const { status, body } = await client.send(sent)
        const elapsedMs = performance.now() - startMs
        if (status === 200 && body === answer) return elapsedMs
        assert(elapsedMs < ANSWER_MS, `${sent.path} is answered right, found ${status} ${body}`)
        await delay(LOOK_MS)
      }
    },
    inspector() {
      assert(inspected, 'it was started with an inspector')
      return inspectorAt(inspectorPort)
    },
    async stop() {
      client.close()
      // It waits for an inspector to leave.
      watched.signal(inspected ? 'SIGKILL' : 'SIGTERM')
      await watched.ended
    },
  }
}

const connects = async (port: number): Promise<boolean> => {
  try {
    const connection = await Connection.open({ port })
    connection.close()
    return true
  } catch {
    return false
  }
}

/** The one that comes with the package, without the script around it. */
const binary = (): string => {
  const { resolve } = createRequire(import.meta.url)
  return resolve(`@cloudflare/workerd-${process.platform}-${process.arch === 'x64' ? '64' : process.arch}/bin/workerd`)
}

interface Bound {
  readonly port: number
  readonly texts: Readonly<Record<string, string>>
  /** Where a bucket of R2 answers, or null. */
  readonly bucket: string | null
  readonly inspected: boolean
}

const configuration = ({ port, texts, bucket, inspected }: Bound): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "worker", worker = .worker), (name = "internet", network = (allow = ["private", "local", "public"]))${bucket === null ? '' : `, (name = "r2", external = (address = "${bucket}", http = ()))`}],
  v8Flags = [${inspected ? `"--max-heap-size=${ISOLATE_MIB}"` : ''}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "worker")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "sqlite3.wasm", wasm = embed "sqlite3.wasm"),
    (name = "trampoline.wasm", wasm = embed "trampoline.wasm"),
  ],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  bindings = [${[
    ...Object.entries(texts).map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`),
    ...(bucket === null ? [] : ['(name = "OBJECTS", r2Bucket = "r2")']),
  ].join(', ')}],
);
`
