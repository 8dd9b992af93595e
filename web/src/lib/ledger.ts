/** The filters of the ledger live in the address, so that a view can be sent to a colleague. */
import { computed, type ComputedRef } from 'vue'
import { useRoute } from 'vue-router'

export const FILTERS = ['q', 'kind', 'organization', 'life_cycle', 'area', 'classification'] as const
export type FilterName = (typeof FILTERS)[number]
export type LedgerFilters = Record<FilterName, string | undefined>

export function useLedgerFilters(): ComputedRef<LedgerFilters> {
  const route = useRoute()
  return computed(
    () =>
      Object.fromEntries(
        FILTERS.map((name) => [name, typeof route.query[name] === 'string' ? route.query[name] : undefined]),
      ) as LedgerFilters,
  )
}
