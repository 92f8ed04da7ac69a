/**
 * The narrowest area that covers a municipality, as a regional key; empty for all of Germany; null where none does. PVOG fills
 * keys of regions up with zeros: 050000000000 is North Rhine-Westphalia. A description without areas holds wherever it is found.
 */
export function narrowest(areas: readonly string[], ars: string): string | null {
  if (areas.length === 0) return ars;
  const covering = areas.flatMap((area) => {
    if (area === ars) return [area];
    if (/^0+$/.test(area)) return [''];
    const level = area.length < 12 ? area.length : [2, 3, 5, 9].find((digits) => /^0+$/.test(area.slice(digits)));
    const region = level === undefined ? area : area.slice(0, level);
    return region !== '' && ars.startsWith(region) ? [region] : [];
  });
  return covering.toSorted((a, b) => b.length - a.length)[0] ?? null;
}
