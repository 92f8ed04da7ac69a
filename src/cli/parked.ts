import { randomBytes } from 'node:crypto';
import { problemText, type Language } from '#contract';
import type { Applications, Release } from '../applications/applications.ts';
import type { Refusal } from '../applications/refusal.ts';

/** Trace Context of a verb, as its own beginning. */
export const newTraceparent = () => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;

/** What a back office said, each thing on a line of its own. */
export const refusalLines = (refusal: Refusal | null): readonly string[] =>
  refusal === null
    ? []
    : [refusal.message, ...refusal.fields.map(({ pointer, message }) => `${pointer}: ${message}`)]
        .filter((text) => text !== '')
        // One line each: it is another system's text, and may hold anything.
        .map((text) => `    ${text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}`);

/**
 * Lists what waits for a person, oldest first, with no personal data: id, city, service, reason, since when, and below what the back
 * office said. Resolves to the exit code.
 */
export async function runParked(
  applications: Applications,
  options: { readonly json?: boolean; readonly language?: Language },
  out: (line: string) => void,
): Promise<number> {
  const parked = await Promise.all(
    (await applications.listParked()).map(async (one) => ({ ...one, refusal: await applications.findRefusal(one.id) })),
  );
  if (options.json) out(JSON.stringify(parked, null, 2));
  else if (parked.length === 0) out(options.language === 'EN' ? 'Nothing is parked.' : 'Nichts ist geparkt.');
  else
    for (const one of parked) {
      out(`${one.id}  ${one.city}  ${one.serviceKey}  ${one.parkedReason ?? ''}  ${one.statusSince.toISOString()}`);
      for (const line of refusalLines(one.refusal)) out(line);
    }
  return 0;
}

/** Carries out what a person decided about a parked application. Resolves to the exit code: 1 where it was refused. */
export async function runRelease(
  applications: Applications,
  id: string,
  release: Release,
  options: { readonly language?: Language },
  out: (line: string) => void,
): Promise<number> {
  const result = await applications.release(id, release, null, newTraceparent());
  out(result.ok ? `${result.application.id}  ${result.application.status}` : problemText(result.problem, options.language ?? 'DE'));
  return result.ok ? 0 : 1;
}
