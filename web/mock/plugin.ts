/** Serves the made-up city under the dev server, with a push channel. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plugin } from 'vite'
import { chance, pick, resources } from './city.ts'
import { answer } from './routes.ts'

const PUSH_MS = 3000

export function mockCity(): Plugin {
  return {
    name: 'mock-city',
    apply: 'serve',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url ?? '/', 'http://mock')
        if (url.pathname === '/api/v1/stream') push(request, response)
        else if (url.pathname.startsWith('/api/v1') || url.pathname.startsWith('/health')) void respond(request, response, url)
        else next()
      })
    },
  }
}

async function respond(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  const json = request.headers['content-type']?.includes('json') && text ? (JSON.parse(text) as Record<string, unknown>) : {}
  const signedIn = request.headers.cookie?.includes('mock=in') ?? false
  const found = answer({
    method: request.method ?? 'GET',
    path: url.pathname.replace('/api/v1', ''),
    query: url.searchParams,
    body: json,
    signedIn,
  })
  if (found.cookie) response.setHeader('Set-Cookie', found.cookie)
  response.writeHead(found.status ?? 200, { 'Content-Type': 'application/json' })
  response.end(found.body === undefined ? '' : JSON.stringify(found.body))
}

function push(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  response.write(': made up\n\n')
  const timer = setInterval(() => {
    const time = new Date().toISOString()
    const items = Array.from({ length: 5 }, () => ({
      resource_id: pick(resources).id,
      property: 'pm25',
      time,
      value: Math.round(20 + chance() * 90),
      quality: 0,
      received: time,
    }))
    response.write(`event: latest\ndata: ${JSON.stringify({ items })}\n\n`)
  }, PUSH_MS)
  request.on('close', () => clearInterval(timer))
}
