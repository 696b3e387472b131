/** The example that a new data directory starts with: a policy, facts, and a key of its own. */
import type { Fact } from '../src/base/value.ts'

export const exampleEnvironment = 'example'
export const exampleKey = 'e_example_1_arctosexamplekey0'

export const examplePolicy = `actor User {}

resource Organization {
  roles = ["admin", "member"];
  permissions = ["invite", "view"];

  "member" if "admin";
  "view" if "member";
  "invite" if "admin";
}

resource Repository {
  roles = ["maintainer", "contributor", "reader"];
  permissions = ["read", "push", "delete"];
  relations = { organization: Organization };

  "reader" if "contributor";
  "contributor" if "maintainer";
  "reader" if "member" on "organization";
  "maintainer" if "admin" on "organization";

  "read" if "reader";
  "push" if "contributor";
  "delete" if "maintainer";
}

test "members read, contributors push" {
  setup {
    has_role(User{"ann"}, "member", Organization{"acme"});
    has_role(User{"bob"}, "contributor", Repository{"website"});
    has_relation(Repository{"website"}, "organization", Organization{"acme"});
  }
  assert allow(User{"ann"}, "read", Repository{"website"});
  assert_not allow(User{"ann"}, "push", Repository{"website"});
  assert allow(User{"bob"}, action: String, Repository{"website"}) iff action in ["read", "push"];
}
`

const role = (user: string, name: string, type: string, id: string): Fact => ({
  predicate: 'has_role',
  args: [
    { type: 'User', id: user },
    { type: 'String', id: name },
    { type, id },
  ],
})

const ofAcme = (repository: string): Fact => ({
  predicate: 'has_relation',
  args: [
    { type: 'Repository', id: repository },
    { type: 'String', id: 'organization' },
    { type: 'Organization', id: 'acme' },
  ],
})

export const exampleFacts: readonly Fact[] = [
  ofAcme('website'),
  ofAcme('mobile'),
  role('ann', 'member', 'Organization', 'acme'),
  role('bob', 'contributor', 'Repository', 'website'),
  role('eve', 'admin', 'Organization', 'acme'),
]

export interface ExampleQuestion {
  readonly path: string
  readonly body: Readonly<Record<string, string>>
  /** The answer, as the server gives it. */
  readonly answer: string
}

const asked = (user: string, action: string, rest: Readonly<Record<string, string>>) => ({
  actor_type: 'User',
  actor_id: user,
  action,
  resource_type: 'Repository',
  ...rest,
})

/** The first questions of a new user: yes, no, and which. */
export const exampleQuestions: readonly ExampleQuestion[] = [
  { path: '/api/authorize', body: asked('ann', 'read', { resource_id: 'website' }), answer: '{"allowed":true}' },
  { path: '/api/authorize', body: asked('ann', 'push', { resource_id: 'website' }), answer: '{"allowed":false}' },
  { path: '/api/list', body: asked('ann', 'read', {}), answer: '{"results":["mobile","website"]}' },
]
