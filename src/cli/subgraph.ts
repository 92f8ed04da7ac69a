import { readFileSync } from 'node:fs';
import { inLanguage, type Language, type Localised } from '#contract';
import { createComposer } from '../federation/compose.ts';
import { readEntry } from '../federation/entry.ts';
import { fetchSdl } from '../federation/fetch-sdl.ts';
import { createHubPart } from '../gateway/hub-part.ts';
import { createSchema } from '../gateway/schema.ts';

export interface SubgraphOptions {
  readonly name: string;
  /** Its endpoint; asked for the SDL where no file holds it. */
  readonly url?: string | undefined;
  /** File with its SDL. */
  readonly sdl?: string | undefined;
  /** Fields of the hub that it may take over, as `Type.field`, and entities beside the public ones. */
  readonly grant?: readonly string[] | undefined;
  readonly language: Language;
}

/**
 * Checks a subgraph as the hub would before it takes it in, and changes nothing. Resolves to the exit code: 0 it would be
 * taken, 1 it would be refused, 2 the call makes no sense.
 */
export async function runSubgraphCheck(
  { name, url, sdl: file, grant = [], language }: SubgraphOptions,
  out: (line: string) => void,
): Promise<number> {
  const say = (text: Localised) => inLanguage(text, language);
  if (file === undefined && url === undefined) {
    out(say({ de: 'Nennen Sie --url oder --sdl.', en: 'Give --url or --sdl.' }));
    return 2;
  }
  const grants = { overrides: grant.filter((one) => one.includes('.')), entities: grant.filter((one) => !one.includes('.')) };
  const entry = readEntry({ name, url: url ?? 'http://subgraph.invalid/', grants });
  if (!('name' in entry)) {
    for (const { path, expected } of entry)
      out(`${path.join('.')}: ${say({ de: `erwartet: ${expected.de}`, en: `expected: ${expected.en}` })}`);
    return 2;
  }
  const sdl = file === undefined ? await fetchSdl(entry) : readFileSync(file, 'utf8');
  const composer = createComposer();
  try {
    const { refused } = await composer.compose(createHubPart(createSchema()).sdl, [{ ...entry, sdl }]);
    const [mine] = refused;
    for (const { line, column, problem, remedy } of mine?.objections ?? [])
      out(`${file ?? '_service'}:${line}:${column} ${say(problem)} ${say(remedy)}`);
    if (!mine) out(say({ de: `„${name}“ passt in den Graphen.`, en: `“${name}” fits into the graph.` }));
    return mine ? 1 : 0;
  } finally {
    await composer.close();
  }
}
