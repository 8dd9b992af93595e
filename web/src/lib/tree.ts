/** From the flat list of organisations to branches; a search keeps what matches and everything above it. */
import type { Organization } from '@/api/types'

export interface Branch {
  organization: Organization
  children: Branch[]
}

export function buildTree(organizations: Organization[], search = ''): Branch[] {
  const branches = new Map(organizations.map((organization) => [organization.id, { organization, children: [] as Branch[] }]))
  const roots: Branch[] = []
  for (const branch of branches.values()) {
    const parent = branch.organization.parent_id ? branches.get(branch.organization.parent_id) : undefined
    ;(parent?.children ?? roots).push(branch)
  }
  return search ? roots.flatMap((root) => prune(root, search)) : roots
}

function matches({ name, name_en, short_name, code, former_names }: Organization, search: string): boolean {
  return [name, name_en, short_name, code, ...(former_names ?? [])].some((text) => text?.toLowerCase().includes(search.toLowerCase()))
}

function prune(branch: Branch, search: string): Branch[] {
  const children = branch.children.flatMap((child) => prune(child, search))
  return children.length || matches(branch.organization, search) ? [{ ...branch, children }] : []
}
