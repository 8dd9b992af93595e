import { createApp } from 'vue'
import App from './App.vue'
import { whenSignedOut } from './api/client'
import { forgetPerson } from './lib/session'
import { restoreLanguage } from './lib/preferences'
import { router } from './router'
import './styles/tokens.css'
import './styles/base.css'

whenSignedOut(() => {
  forgetPerson()
  const next = router.currentRoute.value.fullPath
  if (router.currentRoute.value.name !== 'signIn') void router.push({ name: 'signIn', query: { next, ended: '1' } })
})

await restoreLanguage()
createApp(App).use(router).mount('#app')
