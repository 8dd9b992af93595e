/** Who is signed in, and in which city. */
import { computed, ref, shallowRef } from 'vue'
import { get, post, remove } from '@/api/client'
import type { Session } from '@/api/types'

export const session = shallowRef<Session>()
export const principal = computed(() => session.value?.principal ?? null)
export const sessionLoaded = ref(false)

export async function loadSession(): Promise<void> {
  session.value = await get<Session>('/session')
  sessionLoaded.value = true
}

export async function signIn(username: string, password: string): Promise<void> {
  await post('/session', { username, password })
  await loadSession()
}

/** A changed password ends every session, this one too: the person goes on in a new one. */
export async function changePassword(current: string, next: string): Promise<void> {
  const username = principal.value?.username ?? ''
  await post('/session/password', { current, new: next })
  await signIn(username, next)
}

export async function signOut(): Promise<void> {
  await remove('/session')
  await loadSession()
}

/** Forgets the person, keeps the city: after a 401. */
export function forgetPerson(): void {
  if (session.value) session.value = { ...session.value, principal: null }
}

export type Permission =
  | 'identity.read'
  | 'identity.write'
  | 'calendar.write'
  | 'pack.read'
  | 'resource.read'
  | 'resource.write'
  | 'resource.import'
  | 'credential.issue'
  | 'alarm.read'
  | 'alarm.acknowledge'
  | 'case.read'
  | 'case.intake'
  | 'indicator.read'
  | 'indicator.compute'
  | 'map.write'
  | 'system.read'
  | 'audit.read'
  | 'observation.read'

/** Whether to offer something at all; the server decides again when it is done. */
export function may(permission: Permission): boolean {
  return principal.value?.permissions.includes(permission) ?? false
}
