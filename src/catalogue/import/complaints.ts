import { HubError } from '#contract';
import { complaintText, type Complaint } from '../../cities/load/complaint.ts';

/** Complaints listed at most; the rest is counted. */
const mostListed = 50;

/** Gathers everything wrong with a source, so that one attempt shows it all. */
export class Complaints {
  readonly #lines: string[] = [];

  /** Notes one thing that is wrong: where it stands, and what is wrong with it. */
  add(where: string, what: string): void {
    this.#lines.push(`${where}: ${what}`);
  }

  get count(): number {
    return this.#lines.length;
  }

  /** @throws HubError IMPORT_REFUSED if there was a complaint, with all of them in its message. */
  refuseIfAny(): void {
    if (this.#lines.length === 0) return;
    const shown = this.#lines.slice(0, mostListed);
    const more = this.#lines.length > shown.length ? [`… and ${this.#lines.length - shown.length} more`] : [];
    throw new HubError('IMPORT_REFUSED', [...shown, ...more].join('\n'));
  }
}

/** A refusal of files whose every fault has its place, in both languages; its message is the English one. */
export class RefusedFiles extends HubError {
  readonly complaints: readonly Complaint[];

  constructor(complaints: readonly Complaint[]) {
    const lines = complaints.slice(0, mostListed).map((complaint) => complaintText(complaint, 'EN'));
    const more = complaints.length > lines.length ? [`… and ${complaints.length - lines.length} more`] : [];
    super('IMPORT_REFUSED', [...lines, ...more].join('\n'));
    this.complaints = complaints;
  }
}

/** Refuses a whole source for one reason. */
export const refuseImport = (where: string, what: string, cause?: unknown): HubError =>
  new HubError('IMPORT_REFUSED', `${where}: ${what}`, { cause });

/** The word nearest to a mistyped one, or null if none is near (about a third of its letters differ). */
export function nearestWord(word: string, words: readonly string[]): string | null {
  let best: { readonly word: string; readonly distance: number } | null = null;
  for (const candidate of words) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= Math.ceil(candidate.length / 3) && (!best || distance < best.distance)) best = { word: candidate, distance };
  }
  return best?.word ?? null;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1)
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    previous = current;
  }
  return previous[b.length] ?? 0;
}
