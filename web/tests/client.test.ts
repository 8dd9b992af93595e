import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { address, ApiProblem, get, patch, post, remove, request, whenSignedOut } from '@/api/client'
import { setLanguage } from '@/messages'

const calls: [string, RequestInit][] = []
function cityAnswers(status: number, body?: unknown): void {
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    calls.push([url, init])
    return new Response(body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body), { status })
  })
}
const headersOf = (index = 0) => calls[index]![1].headers as Record<string, string>
const problemFrom = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error as ApiProblem,
  )

beforeEach(() => void calls.splice(0))
afterEach(async () => {
  vi.unstubAllGlobals()
  whenSignedOut(() => {})
  await setLanguage('zh')
})

describe('the API client', () => {
  it('leaves out empty query values and escapes the others', () => {
    expect(address('/resources', { q: '小寨 & 站', kind: undefined, area: '', limit: 5 })).toBe(
      '/api/v1/resources?q=%E5%B0%8F%E5%AF%A8+%26+%E7%AB%99&limit=5',
    )
    expect(address('/health/ready')).toBe('/health/ready')
  })
  it('asks in the language of the reader', async () => {
    cityAnswers(200, {})
    await get('/session')
    await setLanguage('en')
    await get('/session')
    expect([headersOf(0)['Accept-Language'], headersOf(1)['Accept-Language']]).toEqual(['zh-CN', 'en'])
  })
  it('names the version it looked at when it changes something', async () => {
    cityAnswers(200, {})
    await patch('/resources/1', { name: '新' }, 7)
    expect(headersOf()['If-Match']).toBe('"7"')
    expect(calls[0]![1].body).toBe('{"name":"新"}')
  })
  it('answers nothing for 204', async () => {
    cityAnswers(204)
    expect(await remove('/tokens/1')).toBeUndefined()
  })
  it('turns an RFC 9457 problem into message, remedy and places', async () => {
    cityAnswers(422, {
      type: 'x',
      title: '输入不对',
      status: 422,
      detail: '编码重复',
      code: 'conflict',
      remedy: '换一个编码',
      errors: [{ pointer: '/code', code: 'taken', message: '已被使用' }],
    })
    const problem = await problemFrom(post('/resources', {}))
    expect(problem).toBeInstanceOf(ApiProblem)
    expect([problem.message, problem.detail, problem.remedy, problem.code]).toEqual(['输入不对', '编码重复', '换一个编码', 'conflict'])
    expect(problem.errors[0]?.pointer).toBe('/code')
  })
  it('has words of its own when the answer is no problem document', async () => {
    cityAnswers(502, '<html>bad gateway</html>')
    const problem = await problemFrom(get('/cases'))
    expect(problem.status).toBe(502)
    expect(problem.message).toContain('502')
    expect(problem.remedy).not.toBe('')
  })
  it('says that the city cannot be reached', async () => {
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('refused')))
    const problem = await problemFrom(get('/cases'))
    expect([problem.status, problem.code]).toEqual([0, 'network'])
  })
  it('tells the page when the session has ended, but not when a sign-in fails', async () => {
    const ended = vi.fn()
    whenSignedOut(ended)
    cityAnswers(401, { title: 'x', status: 401 })
    await problemFrom(post('/session', {}))
    expect(ended).not.toHaveBeenCalled()
    await problemFrom(get('/cases'))
    expect(ended).toHaveBeenCalledOnce()
  })
  it('takes a 503 as an answer where it is one', async () => {
    cityAnswers(503, { ok: false, engines: [] })
    expect(await request('GET', '/health/ready', { accept: [503] })).toEqual({ ok: false, engines: [] })
  })
})
