import type { CoordinationSettings } from '../cities.ts';

/** `coordination` of a city's file, by kind of case; its shape was checked. */
export type CoordinationEntry = Readonly<Record<string, { readonly [name: string]: string | number | readonly string[] | undefined }>>;

/** How a mark is called in forms (`x-hub`) where its name in a city's file is another. */
const toMark = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** By kind of case: pointers of marks, of facts, and how patient the city is. */
export const toCoordination = (entry: CoordinationEntry): Readonly<Record<string, CoordinationSettings>> =>
  Object.fromEntries(
    Object.entries(entry).map(([kind, { facts, answerWithinHours, ...marks }]) => [
      kind,
      {
        marks: Object.fromEntries(Object.entries(marks).map(([name, pointer]) => [toMark(name), String(pointer)])),
        ...(facts === undefined ? {} : { facts: facts as readonly string[] }),
        ...(answerWithinHours === undefined ? {} : { answerWithinHours: Number(answerWithinHours) }),
      },
    ]),
  );
