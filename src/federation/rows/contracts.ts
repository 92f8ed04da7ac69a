import { readdirSync, readFileSync } from 'node:fs';
import { Kind, parse } from 'graphql';

const folder = new URL('../../../schema/contracts/', import.meta.url);

/** The contract fields' part of the schema, one SDL text a file of schema/contracts/, in the order of their names. */
export const contractParts = (): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.graphql'))
    .toSorted()
    .map((name) => readFileSync(new URL(name, folder), 'utf8'));

/** A field that every city may answer for its own rows. */
export interface ContractField {
  /** Type that it extends; its rows are found by ARS. */
  readonly type: 'Municipality';
  readonly name: string;
}

/**
 * Every field that the contracts add.
 * @throws Error if a contract extends another type: nothing says to which city its rows would belong
 */
export const contractFields = (parts: readonly string[] = contractParts()): readonly ContractField[] =>
  parts.flatMap((sdl) =>
    parse(sdl).definitions.flatMap((part) => {
      if (part.kind !== Kind.OBJECT_TYPE_EXTENSION) return [];
      const type = part.name.value;
      if (type !== 'Municipality') throw new Error(`schema/contracts extends ${type}: only rows of Municipality have an ARS to go by`);
      return (part.fields ?? []).map(({ name }) => ({ type, name: name.value }) as const);
    }),
  );
