/** The entry of an edge on Cloudflare Workers: the compiled modules, and the requests of one isolate. */
import sqlite from '@sqlite.org/sqlite-wasm/sqlite3.wasm'
import trampoline from '../src/store/trampoline.wasm'
import { createIsolate } from './worker/isolate.ts'

export default createIsolate({ sqlite, trampoline })
