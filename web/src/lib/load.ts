/** Reading from the city into a page: one thing (`useLoad`) or a cursor-paged list (`useList`). */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type WatchSource } from 'vue'
import { ApiProblem } from '@/api/client'
import type { Page } from '@/api/types'

export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  return new ApiProblem({ status: 0, code: 'page', title: error instanceof Error ? error.message : String(error) })
}

export interface Loaded<T> {
  data: Ref<T | undefined>
  problem: Ref<ApiProblem | undefined>
  loading: Ref<boolean>
  reload: () => Promise<void>
}

/** Loads now and whenever a dependency changes; an answer that was overtaken is dropped. Old data stay until new ones arrive. */
export function useLoad<T>(fetcher: (signal: AbortSignal) => Promise<T>, dependencies: WatchSource[] = []): Loaded<T> {
  const data = shallowRef<T>()
  const problem = shallowRef<ApiProblem>()
  const loading = ref(true)
  let running = new AbortController()

  async function reload(): Promise<void> {
    running.abort()
    const mine = (running = new AbortController())
    loading.value = true
    try {
      const answer = await fetcher(mine.signal)
      if (mine.signal.aborted) return
      data.value = answer
      problem.value = undefined
    } catch (error) {
      if (mine.signal.aborted) return
      problem.value = asProblem(error)
    }
    loading.value = false
  }
  watch(dependencies, reload, { immediate: true })
  onScopeDispose(() => running.abort())
  return { data, problem, loading, reload }
}

export interface Listed<T> {
  items: Ref<T[]>
  total: Ref<{ count: number; exact: boolean } | undefined>
  problem: Ref<ApiProblem | undefined>
  loading: Ref<boolean>
  hasMore: Ref<boolean>
  more: () => Promise<void>
  reload: () => Promise<void>
}

/** A list that grows by cursor. `reload` starts again from the top. */
export function useList<T>(
  fetcher: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>,
  dependencies: WatchSource[] = [],
): Listed<T> {
  const items = shallowRef<T[]>([])
  const next = ref<string>()
  const total = shallowRef<{ count: number; exact: boolean }>()
  const hasMore = ref(false)
  const page = useLoad(async (signal) => {
    const answer = await fetcher(undefined, signal)
    if (!signal.aborted) take(answer, [])
    return answer
  }, dependencies)

  function take(answer: Page<T>, before: T[]): void {
    items.value = [...before, ...answer.items]
    next.value = answer.next ?? undefined
    hasMore.value = Boolean(answer.next)
    if (answer.total) total.value = answer.total
  }

  async function more(): Promise<void> {
    if (!next.value || page.loading.value) return
    page.loading.value = true
    const [cursor, before] = [next.value, items.value]
    try {
      const answer = await fetcher(cursor, new AbortController().signal)
      if (items.value === before) take(answer, before)
    } catch (error) {
      page.problem.value = asProblem(error)
    }
    page.loading.value = false
  }
  return { items, total, problem: page.problem, loading: page.loading, hasMore, more, reload: page.reload }
}

/** Runs one change: says when it is busy, keeps its problem for the page to show. */
export function useAction<A extends unknown[], T>(action: (...args: A) => Promise<T>) {
  const busy = ref(false)
  const problem = shallowRef<ApiProblem>()
  async function run(...args: A): Promise<T | undefined> {
    busy.value = true
    problem.value = undefined
    try {
      return await action(...args)
    } catch (error) {
      problem.value = asProblem(error)
      return undefined
    } finally {
      busy.value = false
    }
  }
  return { busy, problem, run }
}
