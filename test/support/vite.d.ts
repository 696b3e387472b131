/** The one thing that tests use of the bundler they run in: files as text, also where there is no file system. */
interface ImportMeta {
  glob(pattern: string, options: { readonly query: '?raw'; readonly import: 'default'; readonly eager: true }): Record<string, string>
}
