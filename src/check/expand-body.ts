/** Conditions of shorthand rules → long-hand conditions (the table of polar.md 7.2). */
import type { Call, Expression, Name, ShorthandExpression, ShorthandTerm } from '../polar/ast.ts'
import type { Span } from '../polar/source.ts'
import { call, conjunction, matches, text, variable } from './build.ts'
import { type Expansion, findMember, predicateOf, quotedName, reportUnknownWord } from './expansion.ts'
import type { Member } from './members.ts'
import { didYouMeanQuoted, quoted } from './report.ts'
import { ABSTRACT_TYPES } from './type-table.ts'

/** null when something is wrong; then it is reported. All parts are looked at, so that every mistake shows at once. */
export const translate = (expression: ShorthandExpression, expansion: Expansion): Expression | null => {
  switch (expression.kind) {
    case 'and':
    case 'or': {
      const items = expression.items.map((item) => translate(item, expansion))
      const whole = items.filter((item) => item !== null)
      return whole.length < items.length ? null : { kind: expression.kind, items: whole, span: expression.span }
    }
    case 'not': {
      const item = translate(expression.item, expansion)
      return item === null ? null : { kind: 'not', item, span: expression.span }
    }
    case 'call':
      return checkCall(expression, expansion)
    case 'global':
      return globalCondition(expression.term, expression.span, expansion)
    case 'condition':
      return expression.on === null
        ? ownCondition(expression.term, expression.span, expansion)
        : onCondition(expression.term, expression.on, expression.span, expansion)
  }
}

// `actor`, `resource` and the word of the head are the generated names already.
const checkCall = (written: Call, { type, report }: Expansion): Expression | null => {
  if (type !== null) return written
  const resource = written.args.find((arg) => arg.kind === 'variable' && arg.name === 'resource')
  if (resource === undefined) return written
  report.error('bad-global-block', resource.span, 'there is no `resource` in the global block', {
    hint: 'move the rule to a resource block',
  })
  return null
}

const globalCondition = (term: ShorthandTerm, span: Span, expansion: Expansion): Expression | null => {
  const global: Expansion = { ...expansion, type: null, members: expansion.blocks.global }
  const condition = ownCondition(term, span, global)
  expansion.fresh = global.fresh
  return condition
}

/** `"y"`, `role` or `permission`: about the resource itself, or about nothing in the global block. */
const ownCondition = (term: ShorthandTerm, span: Span, expansion: Expansion): Expression | null => {
  const object = expansion.type === null ? null : 'resource'
  if (term.kind === 'word') return wordCondition(term, object, span, expansion)
  const member = findMember(term, expansion)
  return member === null ? null : memberCondition(member, term, { object: object ?? '', span, expansion })
}

interface Place {
  /** The variable that has the member; not used for global ones. */
  readonly object: string
  readonly span: Span
  readonly expansion: Expansion
}

const memberCondition = (member: Member, term: ShorthandTerm, { object, span, expansion }: Place): Expression | null => {
  const name = text(term.text, term.span)
  const actor = variable('actor', span)
  if (member.kind !== 'relation') {
    const args = [actor, name, ...(expansion.type === null ? [] : [variable(object, span)])]
    return call(predicateOf(member.kind), args, span)
  }
  const related = member.type?.text ?? ''
  if (expansion.blocks.table.isActor(related)) return call('has_relation', [variable(object, span), name, actor], span)
  expansion.report.error(
    'resource-relation-without-on',
    term.span,
    `${quotedName(term)} relates to the resource type \`${related}\`, not to an actor`,
    { labels: [{ span: member.span, message: 'declared here' }], hint: `write \`"…" on ${quoted(term.text)}\`` },
  )
  return null
}

/** `role` or `permission` of a variable; null as object is the two-argument form. */
const wordCondition = (term: ShorthandTerm, object: string | null, span: Span, expansion: Expansion): Expression | null => {
  if (term.text !== 'role' && term.text !== 'permission') {
    reportUnknownWord(term, ['role', 'permission'], expansion)
    return null
  }
  const isHead = expansion.headWord === term.text
  const name = isHead ? term.text : fresh(term.text, expansion)
  const args = [variable('actor', span), variable(name, span), ...(object === null ? [] : [variable(object, span)])]
  const condition = call(predicateOf(term.text), args, span)
  return isHead ? condition : conjunction([matches(name, 'String', span), condition], span)
}

const onCondition = (term: ShorthandTerm, on: ShorthandTerm, span: Span, expansion: Expansion): Expression | null => {
  const { type, report } = expansion
  if (type === null) {
    report.error('bad-global-block', on.span, 'there is nothing to use `on` with in the global block', {
      hint: 'move the rule to a resource block',
    })
    return null
  }
  if (on.kind === 'word') {
    if (on.text === 'resource') return ownCondition(term, span, expansion)
    reportUnknownWord(on, ['resource'], expansion)
    return null
  }
  const related = relatedType(on, type, expansion)
  if (related === null) return null
  const object = fresh('o', expansion)
  const condition =
    term.kind === 'word' ? wordCondition(term, object, span, expansion) : relatedCondition(term, on, related, { object, span, expansion })
  if (condition === null) return null
  const step = call('has_relation', [variable('resource', span), text(on.text, on.span), variable(object, span)], span)
  return conjunction([matches(object, related.text, span), step, ...(condition.kind === 'and' ? condition.items : [condition])], span)
}

/** The type that a relation of the own block leads to. */
const relatedType = (on: ShorthandTerm, type: string, expansion: Expansion): Name | null => {
  const { members, report } = expansion
  const member = findMember(on, expansion)
  if (member === null) return null
  if (member.type === null) {
    const relations = [...members.names.values()].filter(({ kind }) => kind === 'relation').map(({ name }) => quoted(name))
    report.error('not-a-relation', on.span, `${quotedName(on)} is a ${member.kind}, not a relation`, {
      labels: [{ span: member.span, message: 'declared here' }],
      hint: relations.length === 0 ? `\`${type}\` has no relations` : `relations of \`${type}\`: ${relations.join(', ')}`,
    })
    return null
  }
  if (!ABSTRACT_TYPES.has(member.type.text)) return member.type
  report.error(
    'abstract-relation-with-on',
    on.span,
    `${quotedName(on)} relates to \`${member.type.text}\`, whose roles and permissions are unknown`,
    { labels: [{ span: member.type.span, message: 'declared here' }], hint: 'name a concrete type' },
  )
  return null
}

const relatedCondition = (term: ShorthandTerm, on: ShorthandTerm, related: Name, place: Place): Expression | null => {
  const { blocks, report } = place.expansion
  const members = blocks.types.get(related.text)?.members
  if (members === undefined || members.broken.has(term.text)) return null
  const member = members.names.get(term.text)
  if (member !== undefined) return memberCondition(member, term, place)
  if (members.complete) {
    report.error(
      'undeclared-name-on-related-type',
      term.span,
      `${quotedName(term)} is not declared in \`${related.text}\`, the type of the relation ${quotedName(on)}`,
      { hint: didYouMeanQuoted(term.text, () => members.names.keys()) },
    )
  }
  return null
}

// `#` starts a comment, so no written variable has this name.
const fresh = (word: string, expansion: Expansion): string => {
  expansion.fresh++
  return `${word}#${expansion.fresh}`
}
