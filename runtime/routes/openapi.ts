/** GET /v1/openapi.json: the description of this API, made when it is first asked for. */
import { endpoints } from '../../src/wire/endpoints.ts'
import { openApi } from '../../src/wire/openapi.ts'
import type { OpenRoute } from '../exchange.ts'
import { jsonText } from '../reply.ts'
import type { Service } from '../service.ts'

let text: string | null = null

export const openApiRoute: OpenRoute<Pick<Service, 'platform'>> = {
  endpoint: endpoints.openapi,
  handle() {
    text ??= JSON.stringify(openApi())
    return jsonText(text)
  },
}
