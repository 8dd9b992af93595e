/** Texts of the pages. Chinese is in the first load; English arrives when somebody asks for it. */
import { ref, shallowRef } from 'vue'
import { zh } from './zh'

export type Language = 'zh' | 'en'
type Widen<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { [K in keyof T]: Widen<T[K]> }
/** The shape that every language fills; a missing text is a type error. */
export type Messages = Widen<typeof zh>

export const language = ref<Language>('zh')
export const m = shallowRef<Messages>(zh)

export async function setLanguage(next: Language): Promise<void> {
  m.value = next === 'zh' ? zh : (await import('./en')).en
  language.value = next
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
}

/** A line of a chart, labelled in the reader's language. */
export function namedThreshold(line: { value: number; label: string; label_en?: string }): { value: number; label: string } {
  return { value: line.value, label: (language.value === 'en' && line.label_en) || line.label }
}

/** The name of a thing in the reader's language; Chinese where there is no other. */
export function named(thing: { name: string; name_en?: string | null } | null | undefined): string {
  if (!thing) return ''
  return (language.value === 'en' && thing.name_en) || thing.name
}
