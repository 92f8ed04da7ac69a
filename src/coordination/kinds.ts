import type { CaseKind } from './kind.ts';
import { moving } from './kinds/moving.ts';

/** Every kind of case, as the runtime sees it: each knows the form of its own state alone. */
export const kinds: readonly CaseKind[] = [moving as unknown as CaseKind];

export const findKind = (id: string): CaseKind | null => kinds.find((kind) => kind.id === id) ?? null;
