import { z } from 'zod';
import { AdapterError, type Json, type MalformedRecord } from '#contract';

/* What PVOG answers, held against what is known of it: entry by entry, so that one that is odd costs itself alone. */

const text = z.string().nullish();
const part = z.object({ title: text, text });
const description = z.object({
  id: z.string().regex(/^[\w.-]{1,100}$/),
  name: z.string().min(1),
  ars: z.array(z.string()).nullish(),
  leikakeys: z.array(z.string()).nullish(),
  details: z
    .array(
      z.object({ code: z.union([z.string(), z.number()]), text, placeholder: z.boolean().nullish(), details: z.array(part).nullish() }),
    )
    .nullish(),
  onlineServiceLinks: z.array(z.object({ uri: text })).nullish(),
});

/** A service description as far as it is used. */
export type Description = z.output<typeof description>;

const unit = z.object({
  id: z.string(),
  title: z.string(),
  role: z.object({ code: z.union([z.string(), z.number()]).nullish() }).nullish(),
});
export type UnitTitle = z.output<typeof unit>;

/** Says where an answer differs from what is known of the service; quotes nothing of it. */
function shaped<T>(shape: z.ZodType<T>, found: unknown, what: string): T {
  const result = shape.safeParse(found);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AdapterError(
    'malformed',
    'none',
    `${what}: /${issue?.path.map(String).join('/') ?? ''}: ${issue?.message ?? 'not as expected'}`,
  );
}

/** Ten times as many as are asked for: each is looked at, and each that is odd costs a complaint. */
const mostEntries = 1000;

function bounded(found: readonly unknown[], what: string): readonly unknown[] {
  if (found.length > mostEntries) throw new AdapterError('malformed', 'none', `${what}: more than ${mostEntries} entries`);
  return found;
}

const page = z.object({
  content: z.array(z.unknown()),
  totalElements: z.int().min(0).nullish(),
  page: z.object({ totalElements: z.int().min(0).nullish() }).nullish(),
  last: z.boolean().nullish(),
});

/** One page of descriptions; `total`: how many there are on all pages, `last`: whether it is the last, if the service says so. */
export interface DescriptionPage {
  readonly content: readonly Description[];
  /** Descriptions of the page that cannot be read. */
  readonly malformed: readonly MalformedRecord[];
  readonly total: number | undefined;
  readonly last: boolean | undefined;
}

/** One page of descriptions, each read by itself. @throws AdapterError malformed with the place where it is no page */
export function pageOf(body: Json): DescriptionPage {
  const { content: found, totalElements, page: paging, last } = shaped(page, body, 'the answer to a key');
  bounded(found, 'the answer to a key');
  const content: Description[] = [];
  const malformed: MalformedRecord[] = [];
  for (const one of found)
    try {
      content.push(shaped(description, one, 'a description'));
    } catch (error) {
      const id = description.shape.id.safeParse((one as { id?: unknown } | null)?.id);
      malformed.push({ ...(id.success ? { id: id.data } : {}), reason: (error as Error).message });
    }
  return { content, malformed, total: totalElements ?? paging?.totalElements ?? undefined, last: last ?? undefined };
}

/** Units competent for a description, still to be read. @throws AdapterError malformed where it is no list of them */
export const unitListOf = (body: Json): readonly unknown[] => shaped(z.array(z.unknown()), body, 'the answer to a competence');

/** Units as they were listed. @throws AdapterError malformed with the place: then the description cannot be told without its authority */
export const unitsOf = (listed: readonly unknown[]): readonly UnitTitle[] =>
  shaped(z.array(unit), bounded(listed, 'the answer to a competence'), 'the answer to a competence');
