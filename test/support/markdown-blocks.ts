/** Code blocks of a document that came as text, for tests that run where there are no files. */

export interface MarkdownBlock {
  /** Under which heading of the second and of the third level. */
  readonly section: string
  readonly entry: string
  readonly language: string
  readonly code: string
}

const PIECE = /^## (?<section>.+)$|^### (?<entry>.+)$|^```(?<language>\S*)\n(?<code>[\s\S]*?)^```$/gm

export const markdownBlocks = (text: string): MarkdownBlock[] => {
  const blocks: MarkdownBlock[] = []
  let section = ''
  let entry = ''
  for (const { groups = {} } of text.matchAll(PIECE)) {
    if (groups['section'] !== undefined) [section, entry] = [groups['section'], '']
    else if (groups['entry'] !== undefined) entry = groups['entry']
    else blocks.push({ section, entry, language: groups['language'] ?? '', code: (groups['code'] ?? '').replace(/\n$/, '') })
  }
  return blocks
}
