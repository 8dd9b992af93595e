/** Where a person goes after the sign-in: only to places of this site, and to some by a full load. */
import type { RouteLocationRaw, Router } from 'vue-router'

/** The address to go on to; anything that leads elsewhere becomes the first page. */
export function nextPlace(next: unknown, origin = location.origin): string {
  if (typeof next !== 'string' || !/^\/(?![/\\])/.test(next)) return '/'
  const target = new URL(next, origin)
  return target.origin === origin && !target.pathname.startsWith('//') ? target.pathname + target.search + target.hash : '/'
}

/** Whether the program itself answers there, not one of the pages. */
export function answeredByServer(place: string): boolean {
  return place.startsWith('/oidc/')
}

/** Goes on after the sign-in. */
export async function goOn(router: Router, next: unknown): Promise<void> {
  const place = nextPlace(next)
  if (answeredByServer(place)) location.assign(place)
  else await router.replace(place)
}

/** What the router does with somebody who is signed in already: on to `next`, without the form. */
export function passThrough(next: unknown): RouteLocationRaw | false {
  const place = nextPlace(next)
  if (!answeredByServer(place)) return place
  location.assign(place)
  return false
}
