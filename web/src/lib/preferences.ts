/** Theme and language of this browser. `page` means: as the page suggests (dark for operations, light for desks). */
import { ref, watch } from 'vue'
import { language, setLanguage } from '@/messages'

export type ThemeChoice = 'page' | 'dark' | 'light'
export type Theme = 'dark' | 'light'

const stored = localStorage.getItem('theme')
export const themeChoice = ref<ThemeChoice>(stored === 'dark' || stored === 'light' ? stored : 'page')
export const suggestedTheme = ref<Theme>('light')
export const theme = ref<Theme>('light')

watch([themeChoice, suggestedTheme], apply, { immediate: true })

function apply(): void {
  theme.value = themeChoice.value === 'page' ? suggestedTheme.value : themeChoice.value
  document.documentElement.dataset.theme = theme.value
}

export function chooseTheme(choice: ThemeChoice): void {
  localStorage.setItem('theme', choice)
  themeChoice.value = choice
}

export async function chooseLanguage(next: 'zh' | 'en'): Promise<void> {
  localStorage.setItem('language', next)
  await setLanguage(next)
}

export async function restoreLanguage(): Promise<void> {
  if (localStorage.getItem('language') === 'en' && language.value !== 'en') await setLanguage('en')
}
