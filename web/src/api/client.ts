/** The one way out of the pages: JSON over fetch, problems as `ApiProblem`, a lost session as an event. */
import type { FieldError, ProblemBody } from './types'
import { language, m } from '@/messages'

export const API = '/api/v1'
export type Query = Record<string, string | number | boolean | null | undefined | string[]>

/** What went wrong and what to do about it, in the reader's language. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  readonly remedy: string
  readonly detail: string
  readonly errors: FieldError[]

  constructor(body: ProblemBody) {
    super(body.title)
    this.status = body.status
    this.code = body.code ?? ''
    this.remedy = body.remedy ?? ''
    this.detail = body.detail ?? ''
    this.errors = body.errors ?? []
  }
}

let onSignedOut: () => void = () => {}
/** Says what to do when the city answers 401 to somebody who was signed in. */
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler
}

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue
    for (const one of Array.isArray(value) ? value : [String(value)]) search.append(key, one)
  }
  const text = search.toString()
  return (path.startsWith('/health') ? '' : API) + path + (text ? `?${text}` : '')
}

interface Options {
  body?: unknown
  version?: number
  signal?: AbortSignal
  query?: Query
  /** Statuses beyond 2xx whose body is an answer all the same. */
  accept?: number[]
}

/** Sends one request; answers the decoded body (undefined for 204) or throws `ApiProblem`. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = {
    Accept: 'application/json',
    'Accept-Language': language.value === 'zh' ? 'zh-CN' : 'en',
  }
  let body: BodyInit | undefined
  if (options.body instanceof FormData) body = options.body
  else if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json'
    body = JSON.stringify(options.body)
  }
  if (options.version !== undefined) headers['If-Match'] = `"${options.version}"`

  let response: Response
  try {
    response = await fetch(address(path, options.query), { method, headers, body, signal: options.signal, credentials: 'same-origin' })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiProblem({ status: 0, code: 'network', title: m.value.problems.network, remedy: m.value.problems.networkRemedy })
  }
  if (response.ok || options.accept?.includes(response.status)) return (await bodyOf(response)) as T
  if (response.status === 401 && !path.startsWith('/session')) onSignedOut()
  throw await problemOf(response)
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = response.status === 204 ? '' : await response.text()
  return text ? JSON.parse(text) : undefined
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const fallback: ProblemBody = {
    status: response.status,
    title: m.value.problems.status(response.status),
    remedy: m.value.problems.statusRemedy,
  }
  try {
    return new ApiProblem({ ...fallback, ...((await bodyOf(response)) as object) })
  } catch {
    return new ApiProblem(fallback)
  }
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) => request<T>('GET', path, { query, signal })
export const post = <T>(path: string, body: unknown = {}) => request<T>('POST', path, { body })
export const put = <T>(path: string, body: unknown) => request<T>('PUT', path, { body })
export const patch = <T>(path: string, body: unknown, version?: number) => request<T>('PATCH', path, { body, version })
export const remove = <T>(path: string) => request<T>('DELETE', path)
