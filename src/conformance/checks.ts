import type { Check } from './check.ts';
import { abortWithin } from './checks/abort.ts';
import { authChecks } from './checks/auth.ts';
import { casesChecks } from './checks/cases.ts';
import { catalogueChecks } from './checks/catalogue.ts';
import { changesChecks } from './checks/changes.ts';
import { configChecks } from './checks/config.ts';
import { crashChecks } from './checks/crash.ts';
import { definitionChecks } from './checks/definition.ts';
import { eventsChecks } from './checks/events.ts';
import { healthChecks } from './checks/health.ts';
import { lifeChecks } from './checks/life.ts';
import { faultMatrix } from './checks/matrix.ts';
import { rowsChecks } from './checks/rows.ts';
import { securityChecks } from './checks/security.ts';
import { settingsChecks } from './checks/settings.ts';
import { submitChecks } from './checks/submit.ts';
import { webhookChecks } from './checks/webhook.ts';

/** Every check there is, in the order in which they run and are reported. Each group is a file in checks/. */
export const checks: readonly Check[] = [
  ...definitionChecks,
  ...configChecks,
  ...lifeChecks,
  ...healthChecks,
  ...settingsChecks,
  ...authChecks,
  ...catalogueChecks,
  ...submitChecks,
  ...crashChecks,
  ...casesChecks,
  ...changesChecks,
  ...webhookChecks,
  ...eventsChecks,
  ...rowsChecks,
  faultMatrix,
  abortWithin,
  ...securityChecks,
];
