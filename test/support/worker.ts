/** The Worker around tests on workerd: the plugin wants an entry file, the tests never call it. */

export default {
  fetch: (): Response => new Response('not found', { status: 404 }),
}
