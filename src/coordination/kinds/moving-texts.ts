import type { Localised } from '#contract';

/** What codes, outcomes and choices of a move mean. */
export const movingTexts: Readonly<Record<string, Localised>> = {
  EVALUATE: {
    de: 'Die Person hat sich in einer anderen Gemeinde angemeldet. Bitte gleichen Sie die Rückmeldung mit dem Melderegister ab.',
    en: 'The person has registered in another municipality. Please compare the notice with your register.',
  },
  DEREGISTER: {
    de: 'Bitte schreiben Sie den Wegzug im Melderegister fort und bestätigen Sie ihn.',
    en: 'Please record the departure in your register and confirm it.',
  },
  CLARIFY: {
    de: 'Die Wegzugsgemeinde hält die Rückmeldung für nicht plausibel. Bitte klären Sie die Angaben und senden Sie sie erneut, oder schließen Sie den Vorgang ungelöst.',
    en: 'The municipality of departure finds the notice implausible. Please clarify the details and send it again, or close the case unresolved.',
  },
  NO_ANSWER: {
    de: 'Die Wegzugsgemeinde hat nicht rechtzeitig geantwortet. Bitte fragen Sie nach und senden Sie die Rückmeldung erneut, oder schließen Sie den Vorgang ungelöst.',
    en: 'The municipality of departure has not answered in time. Please ask there and send the notice again, or close the case unresolved.',
  },
  END_PERMIT: {
    de: 'Das Fachverfahren beendet den Bewohnerparkausweis.',
    en: 'The back office ends the resident parking permit.',
  },
  END_PERMIT_BY_HAND: {
    de: 'Die Person ist weggezogen. Bitte beenden Sie ihren Bewohnerparkausweis im Fachverfahren und bestätigen Sie es.',
    en: 'The person has moved away. Please end their resident parking permit in the back office and confirm it.',
  },
  CHECK_PERMITS: {
    de: 'Die Person ist weggezogen. Bitte prüfen Sie, ob sie einen Bewohnerparkausweis hat, beenden Sie ihn im Fachverfahren und bestätigen Sie es.',
    en: 'The person has moved away. Please check whether they hold a resident parking permit, end it in the back office and confirm it.',
  },
  ACCEPTED: { de: 'Übernommen, keine Abweichungen', en: 'Taken over, nothing differs' },
  DEVIATIONS: { de: 'Übernommen, mit Abweichungen', en: 'Taken over, some fields differ' },
  IMPLAUSIBLE: { de: 'Nicht plausibel', en: 'Implausible' },
  SEND_AGAIN: { de: 'Erneut senden', en: 'Send again' },
  GIVE_UP: { de: 'Ungelöst schließen', en: 'Close unresolved' },
  NONE: { de: 'Es gibt keinen', en: 'There is none' },
  DONE: { de: 'Erledigt', en: 'Done' },
  ENDED: { de: 'Beendet', en: 'Ended' },
  COMPLETED: {
    de: 'Abgeschlossen: Der Wegzug ist eingetragen, Bewohnerparkausweise am alten Wohnort sind beendet.',
    en: 'Completed: the departure is recorded, resident parking permits at the former home have ended.',
  },
  NOT_CONNECTED: {
    de: 'Die Wegzugsgemeinde {departure} ist nicht angeschlossen. Die Zuzugsgemeinde sendet die Rückmeldung auf dem bisherigen Weg (XMeld über OSCI); einen Bewohnerparkausweis am alten Wohnort gibt die Person dort selbst zurück.',
    en: 'The municipality of departure, {departure}, is not connected. The municipality of arrival sends the notice the usual way (XMeld over OSCI); the person returns a resident parking permit of the former home there.',
  },
  UNRESOLVED: {
    de: 'Ungelöst geschlossen: Die Anmeldung gilt; den Wegzug klären die beiden Meldebehörden unmittelbar.',
    en: 'Closed unresolved: the registration holds; both registration offices settle the departure directly.',
  },
};
