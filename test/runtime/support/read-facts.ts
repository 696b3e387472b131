/** The HTTP checklist: stored facts. */
import { expect } from 'vitest'
import type { Asker } from './harness.ts'
import { basic } from './policies.ts'
import type { ReadLines, ReadPlace, ReadState } from './read-place.ts'

const role = (user: string, name: string, repo: string) => `has_role(User:${user}, String:${name}, Repo:${repo})`

const state: ReadState = {
  policies: [`${basic}declare plan(Org, Integer);\nknown(User{"static"});\nsees(u: User) if known(u);\n`],
  facts: [
    role('ana', 'reader', 'r1'),
    role('ana', 'writer', 'r2'),
    role('bob', 'reader', 'r1'),
    'has_role(User:ana, String:member, Org:o1)',
    'has_relation(Repo:r1, String:org, Org:o1)',
    'plan(Org:o1, Integer:5)',
  ],
}
/** Before a query that names no predicate: a fallback asks for one. */
const anyOn = ({ kind }: ReadPlace): string => (kind === 'fallback' ? 'predicate=_&' : '')
const withFacts = async (place: ReadPlace): Promise<Asker> => (await place.world(state)).ask

export const factLines: ReadLines = {
  'http 38: each combination of type, type and id, and nothing': async (place) => {
    const http = await withFacts(place)
    const cases: [string, string[]][] = [
      ['predicate=plan', ['plan(Org:o1, Integer:5)']],
      ['predicate=has_role&args.0.type=User&args.0.id=bob', [role('bob', 'reader', 'r1')]],
      ['predicate=has_role&args.2.type=Org', ['has_role(User:ana, String:member, Org:o1)']],
      ['args.1.id=reader&predicate=has_role&args.1.type=String', [role('ana', 'reader', 'r1'), role('bob', 'reader', 'r1')]],
      [
        'predicate=has_role&args.0.type=User&args.0.id=ana&args.1.type=String&args.1.id=writer&args.2.type=Repo&args.2.id=r2',
        [role('ana', 'writer', 'r2')],
      ],
      ['predicate=has_role&args.2.id=r1&args.2.type=Repo', [role('ana', 'reader', 'r1'), role('bob', 'reader', 'r1')]],
      ['predicate=plan&args.1.type=Integer&args.1.id=005', ['plan(Org:o1, Integer:5)']],
      ['predicate=plan&args.0.type=Repo', []],
      ['predicate=has_role&args.0.type=Actor', []],
    ]
    for (const [query, expected] of cases) expect({ query, facts: await http.stored(query) }).toEqual({ query, facts: expected })
  },

  'an id without type, an empty type, an impossible id are 400': async (place) => {
    const http = await withFacts(place)
    for (const query of [
      'args.0.id=ana',
      'args.0.type=&args.0.id=x',
      'args.0.type=User&args.0.id=',
      'args.0.type=Integer&args.0.id=x',
      'args.9.id=x',
    ]) {
      expect({ query, status: (await http.get(`/api/facts?predicate=has_role&${query}`)).status }).toEqual({ query, status: 400 })
    }
  },

  'a parameter that names no argument is 400, others are ignored': async (place) => {
    const http = await withFacts(place)
    for (const key of ['args.-1.type', 'args.1e0.type', 'args.0.typ', 'args.0', 'args.', 'args..type', 'args.0.type.x', 'args.1.5.type']) {
      const { status, body } = await http.get(`/api/facts?${anyOn(place)}${key}=User`)
      expect({ status, message: body.message }).toEqual({
        status: 400,
        message: `\`${key}\` is no \`args.<position>.type\` or \`args.<position>.id\``,
      })
    }
    expect(await http.stored('predicate=plan&limit=1&args=x&Args.0.typ=U')).toEqual(['plan(Org:o1, Integer:5)'])
  },

  'http 39: a pattern matches facts of every sufficient length': async (place) => {
    const http = await withFacts(place)
    const any = anyOn(place)
    expect(await http.stored(`${any}args.0.type=Org`)).toEqual(['plan(Org:o1, Integer:5)'])
    expect(await http.stored('predicate=has_role&args.0.type=User')).toHaveLength(4)
    expect(await http.stored('predicate=plan&args.2.type=User')).toEqual([])
    for (const position of ['999999999', '999999999999', '9'.repeat(400)]) {
      expect(await http.stored(`${any}args.${position}.type=User`)).toEqual([])
      expect((await http.get(`/api/facts?${any}args.${position}.id=ana`)).status).toBe(400)
    }
  },

  'http 40: no match is []': async (place) => {
    const http = await withFacts(place)
    expect((await http.get('/api/facts?predicate=nothing')).body).toEqual([])
    expect((await http.get('/api/facts?predicate=has_role&args.0.type=User&args.0.id=zed')).body).toEqual([])
  },

  'http 41, 43: all environment facts, sorted, no policy facts': async (place) => {
    const http = await withFacts(place)
    const all = [
      'has_relation(Repo:r1, String:org, Org:o1)',
      'has_role(User:ana, String:member, Org:o1)',
      role('ana', 'reader', 'r1'),
      role('ana', 'writer', 'r2'),
      role('bob', 'reader', 'r1'),
      'plan(Org:o1, Integer:5)',
    ]
    for (const query of place.kind === 'fallback' ? ['predicate=_'] : ['', 'predicate=', 'predicate=_'])
      expect(await http.stored(query)).toEqual(all)
    expect(await http.stored('predicate=known')).toEqual([])
    expect(await http.stored('predicate=_&args.0.type=Org')).toEqual(['plan(Org:o1, Integer:5)'])
  },

  'http 42: without a predicate it is 400 on a fallback': async (place) => {
    const http = await withFacts(place)
    for (const query of ['', '?', '?predicate=', '?args.0.type=User']) {
      const { status } = await http.get(`/api/facts${query}`)
      expect({ query, status }).toEqual({ query, status: place.kind === 'fallback' ? 400 : 200 })
    }
  },

  'more facts than the bound are 400, and many are streamed': async (place) => {
    const facts = Array.from({ length: 2500 }, (_, index) => role(`u${index}`, 'reader', 'r'))
    const settings = { ARCTOS_GET_FACTS: '2500' }
    const { ask: http, change } = await place.world({ policies: [basic], facts, settings })
    expect((await http.get('/api/facts?predicate=_')).body).toHaveLength(2500)
    await change((cell) => cell.facts(role('one', 'reader', 'more')))
    const { status, body } = await http.get('/api/facts?predicate=_')
    expect({ status, message: body.message }).toEqual({ status: 400, message: expect.stringContaining('narrow') })
    expect((await http.get(`/api/facts?${anyOn(place)}args.2.type=Repo&args.2.id=more`)).body).toHaveLength(1)
  },
}
