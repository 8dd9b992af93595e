/** Short notices at the edge of the page. */
import { ref } from 'vue'

export interface Toast {
  id: number
  tone: 'ok' | 'alarm'
  text: string
}
const SHOWN_MS = 5000
let last = 0
export const toasts = ref<Toast[]>([])

export function say(text: string, tone: Toast['tone'] = 'ok'): void {
  const id = ++last
  toasts.value.push({ id, tone, text })
  setTimeout(() => dismiss(id), SHOWN_MS)
}
export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}
