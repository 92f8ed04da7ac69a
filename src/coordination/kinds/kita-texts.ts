import type { Localised } from '#contract';

/** What codes, outcomes and choices of day-care wishes mean. */
export const kitaTexts: Readonly<Record<string, Localised>> = {
  DECIDE: { de: 'Die Stadt hat noch nicht entschieden.', en: 'The city has not decided yet.' },
  RELEASING: {
    de: 'Es gibt einen Platz in einer anderen Stadt; das Fachverfahren gibt diesen Wunsch frei.',
    en: 'There is a place in another city; the back office is releasing this wish.',
  },
  DOUBLE: {
    de: 'Für dasselbe Kind gibt es auch in einer anderen Stadt einen Platz, und der Wunsch dort hat Vorrang. Bitte klären Sie mit der Familie, ob dieser Platz frei wird.',
    en: 'The same child has a place in another city too, and the wish there takes precedence. Please ask the family whether this place becomes free.',
  },
  RELEASE_BY_HAND: {
    de: 'Das Kind hat einen Platz in einer anderen Stadt. Bitte geben Sie diesen Wunsch im Fachverfahren frei und bestätigen Sie es.',
    en: 'The child has a place in another city. Please release this wish in the back office and confirm it.',
  },
  DONE: { de: 'Erledigt', en: 'Done' },
  RELEASE: { de: 'Dieser Platz wird frei', en: 'This place becomes free' },
  KEEP: { de: 'Dieser Platz bleibt belegt', en: 'This place stays taken' },
  PLACE_ACCEPTED: {
    de: 'Es gibt einen Platz; die anderen Wünsche sind freigegeben.',
    en: 'There is a place; the other wishes have been released.',
  },
  NO_PLACE: {
    de: 'In keiner der Städte gibt es einen Platz. Neue Wünsche sind jederzeit möglich.',
    en: 'There is a place in none of the cities. New wishes are possible at any time.',
  },
  DOUBLE_PLACE: {
    de: 'Mehrere Städte halten einen Platz für dasselbe Kind, und keine gibt ihn frei. Die Städte müssen das unmittelbar mit der Familie klären.',
    en: 'Several cities hold a place for the same child, and none releases it. The cities have to settle this with the family directly.',
  },
};
