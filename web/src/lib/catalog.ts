/** The definitions that many pages look names up in; each is read once a session. */
import { shallowRef, type ShallowRef } from 'vue'
import { get } from '@/api/client'
import type { CaseType, CityMapData, Kind, Named, Organization, Page, Role } from '@/api/types'
import { named } from '@/messages'

function once<T>(path: string, unwrap: (body: unknown) => T): () => ShallowRef<T | undefined> {
  const value = shallowRef<T>()
  let asked = false
  return () => {
    if (!asked) {
      asked = true
      get<unknown>(path)
        .then((body) => (value.value = unwrap(body)))
        .catch(() => (asked = false))
    }
    return value
  }
}
const items = <T>(body: unknown): T[] => (Array.isArray(body) ? (body as T[]) : (body as Page<T>).items)

export const useKinds = once('/kinds', items<Kind>)
export const useOrganizations = once('/organizations', items<Organization>)
export const useRoles = once('/roles', items<Role>)
export const useCaseTypes = once('/case-types', items<CaseType>)
/** Base shapes and stations for the small maps; the operations centre reads its own, live. */
export const useBaseMap = once('/operations/map', (body) => body as CityMapData)

export function nameIn(list: Named[] | undefined, id: string | null | undefined): string {
  if (!id) return ''
  return named(list?.find((entry) => entry.id === id)) || id
}
