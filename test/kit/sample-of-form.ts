import type { Json } from '#contract';
import type { Random } from './random.ts';

interface Part {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Part>>;
  readonly items?: Part;
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly format?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Part>>;
  readonly oneOf?: readonly Part[];
  readonly anyOf?: readonly Part[];
}

const texts: Readonly<Record<string, string>> = { date: '2026-12-01', email: 'a@example.org', uri: 'https://example.org/' };

/** Data that look as a form wants them, with every field; they need not be valid. */
export function sampleOf(schema: Json, random: Random): Json {
  const root = schema as Part;
  const sample = (part: Part, depth: number): Json => {
    if (part.$ref !== undefined) return sample(root.$defs?.[part.$ref.split('/').at(-1) ?? ''] ?? {}, depth + 1);
    if (part.const !== undefined) return part.const;
    if (part.enum) return random.pick(part.enum);
    const other = part.oneOf ?? part.anyOf;
    if (other && other.length > 0 && depth < 20) return sample(random.pick(other), depth + 1);
    if (part.properties && depth < 20)
      return Object.fromEntries(Object.entries(part.properties).map(([name, one]) => [name, sample(one, depth + 1)]));
    switch (part.type ?? 'string') {
      case 'array':
        return depth < 20 ? [sample(part.items ?? {}, depth + 1)] : [];
      case 'integer':
      case 'number':
        return 1;
      case 'boolean':
        return true;
      case 'object':
        return {};
      default:
        return texts[part.format ?? ''] ?? 'Köln 1';
    }
  };
  return sample(root, 0);
}
