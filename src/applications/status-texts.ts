import type { ApplicationStatus, Localised } from '#contract';

/** What a citizen reads of where the application stands. */
export const statusTexts: Readonly<Record<ApplicationStatus, Localised>> = {
  SUBMITTED: {
    de: 'Der Antrag ist eingereicht und wird an die Stadt übermittelt.',
    en: 'The application has been submitted and is on its way to the city.',
  },
  DELIVERED: { de: 'Der Antrag ist bei der Stadt angekommen.', en: 'The application has reached the city.' },
  RECEIVED: { de: 'Die Stadt hat den Eingang bestätigt.', en: 'The city has confirmed receipt.' },
  IN_REVIEW: { de: 'Der Antrag wird bearbeitet.', en: 'The application is being reviewed.' },
  ACTION_REQUIRED: { de: 'Die Stadt braucht noch etwas von Ihnen.', en: 'The city needs something from you.' },
  GRANTED: { de: 'Der Antrag ist bewilligt.', en: 'The application has been granted.' },
  PARTLY_GRANTED: { de: 'Der Antrag ist teilweise bewilligt.', en: 'The application has been granted in part.' },
  REFUSED: { de: 'Der Antrag ist abgelehnt.', en: 'The application has been refused.' },
  WITHDRAWN: { de: 'Der Antrag ist zurückgezogen.', en: 'The application has been withdrawn.' },
  CLOSED: { de: 'Der Vorgang ist abgeschlossen.', en: 'The case is closed.' },
  DISCARDED: {
    de: 'Die Stadt konnte den Antrag nicht annehmen und bearbeitet ihn nicht. Bitte wenden Sie sich an die Stadt.',
    en: 'The city could not take the application and is not working on it. Please contact the city.',
  },
  PARKED: {
    de: 'Der Antrag ist eingereicht. Bevor es weitergeht, sieht ihn sich jemand bei der Stadt an.',
    en: 'The application has been submitted. Somebody at the city is looking at it before it goes on.',
  },
};
