/** Longest id, and longest reason, of a record that was set aside. */
export const longestAside = 300;

/** A text, cut to a length, as both databases take it: one from outside may hold a NUL, or half a character where it was cut. */
export const storable = (text: string, most: number): string => text.slice(0, most).replaceAll('\0', '\uFFFD').toWellFormed();
