/** Keyboard ways: j k through a list, / to the search, Esc back. */
import { onBeforeUnmount, onMounted, type Ref } from 'vue'

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** Calls the handler for plain keys typed outside of fields and dialogs. */
export function useKeys(handlers: Record<string, () => void>): void {
  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (isTyping(event.target) || document.querySelector('dialog[open]')) return
    const handler = handlers[event.key]
    if (!handler) return
    event.preventDefault()
    handler()
  }
  onMounted(() => window.addEventListener('keydown', onKey))
  onBeforeUnmount(() => window.removeEventListener('keydown', onKey))
}

/** j and k move the focus through the elements marked `data-row`; Enter is the focused link's own. */
export function useListKeys(container: Ref<HTMLElement | undefined | null>): void {
  function step(by: number): void {
    const rows = [...(container.value?.querySelectorAll<HTMLElement>('[data-row]') ?? [])]
    const now = rows.indexOf(document.activeElement as HTMLElement)
    const next = rows[now < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, now + by))]
    next?.focus()
    next?.scrollIntoView({ block: 'nearest' })
  }
  useKeys({ j: () => step(1), k: () => step(-1) })
}
