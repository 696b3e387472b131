#!/usr/bin/env node
/** The command `arctos`: the bundle of an installed package, or the sources of a checkout, which Node runs as they are. */
import { existsSync } from 'node:fs'

if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(`arctos needs Node 24 or newer, found ${process.versions.node}\n`)
  process.exit(1)
}
const sources = new URL('../runtime/cli/main.ts', import.meta.url)
await import(existsSync(sources) ? sources.href : new URL('../dist/arctos.js', import.meta.url).href)
