/** Addresses of the pages. Everything but the sign-in asks who you are first. */
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { nextTick } from 'vue'
import { m, type Messages } from './messages'
import { passThrough } from './lib/next'
import { suggestedTheme } from './lib/preferences'
import { loadSession, principal, session, sessionLoaded } from './lib/session'

declare module 'vue-router' {
  interface RouteMeta {
    title: keyof Messages['nav']
    dark?: boolean
    open?: boolean
  }
}

const workbench = () => import('./pages/CasesPage.vue')
const routes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'signIn', component: () => import('./pages/SignInPage.vue'), meta: { title: 'signIn', open: true } },
  { path: '/', name: 'operations', component: () => import('./pages/OperationsPage.vue'), meta: { title: 'operations', dark: true } },
  { path: '/cases', name: 'cases', component: workbench, meta: { title: 'cases' } },
  { path: '/cases/new', name: 'newCase', component: () => import('./pages/NewCasePage.vue'), meta: { title: 'cases' } },
  { path: '/cases/:id', name: 'case', component: workbench, meta: { title: 'cases' } },
  { path: '/ledger', name: 'ledger', component: () => import('./pages/LedgerPage.vue'), meta: { title: 'ledger' } },
  { path: '/ledger/import/:id?', name: 'import', component: () => import('./pages/ImportPage.vue'), meta: { title: 'import' } },
  { path: '/resources/:id', name: 'resource', component: () => import('./pages/ResourcePage.vue'), meta: { title: 'resource' } },
  { path: '/alarms', name: 'alarms', component: () => import('./pages/AlarmsPage.vue'), meta: { title: 'alarms' } },
  { path: '/indicators', name: 'indicators', component: () => import('./pages/IndicatorsPage.vue'), meta: { title: 'indicators' } },
  { path: '/indicators/:id', name: 'indicator', component: () => import('./pages/IndicatorPage.vue'), meta: { title: 'indicators' } },
  { path: '/audit', name: 'audit', component: () => import('./pages/AuditPage.vue'), meta: { title: 'audit' } },
  { path: '/audit/:index', name: 'auditEntry', component: () => import('./pages/AuditEntryPage.vue'), meta: { title: 'audit' } },
  { path: '/settings/:tab?', name: 'settings', component: () => import('./pages/SettingsPage.vue'), meta: { title: 'settings' } },
  { path: '/:missing(.*)*', name: 'missing', component: () => import('./pages/MissingPage.vue'), meta: { title: 'missing' } },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

router.beforeEach(async (to) => {
  if (!sessionLoaded.value) await loadSession().catch(() => undefined)
  const ready = principal.value && !principal.value.must_change_password
  if (!ready && !to.meta.open) return { name: 'signIn', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
  if (ready && to.name === 'signIn' && to.query.fresh !== '1') return passThrough(to.query.next)
  return true
})

router.afterEach((to, from) => {
  suggestedTheme.value = to.meta.dark ? 'dark' : 'light'
  document.title = [m.value.nav[to.meta.title], session.value?.city?.name, m.value.app.title].filter(Boolean).join(' · ')
  if (from.matched.length && to.path !== from.path) void nextTick(() => document.getElementById('main')?.focus({ preventScroll: true }))
})
