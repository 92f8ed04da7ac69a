import { fail, pass, unverified, type Check } from '../check.ts';
import { withValue } from '../settings.ts';
import { settle } from './observe.ts';

const named: Check = {
  id: 'check.names-wrong-setting',
  level: 'SHOULD',
  title: 'check notices settings that the back office does not know, before an application is lost in them.',
  remedy: 'ask in check for each thing that the config names (project, queue, tracker, view), and say in the hint which are there',
  async run(bench) {
    const settings = bench.samples.wrongSettings ?? [];
    if (settings.length === 0)
      return unverified('samples.wrongSettings is missing', 'give a setting with a value that the back office does not know');
    for (const { at, value } of settings) {
      const path = at
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
      const opened = await bench.open({ config: (config) => withValue(config, path, value), start: false });
      await settle(opened.read((adapter, call) => adapter.start(call)));
      const { value: health, error } = await settle(opened.read((adapter, call) => adapter.check(call)));
      if (error?.kind === 'misconfigured') continue;
      if (error) return fail(`AdapterError misconfigured with another ${at}`, `AdapterError ${error.kind}`, this.remedy);
      if (health.ok) return fail(`check is not ok with another ${at}`, 'ok', this.remedy);
      if (!health.probes.some(({ ok, hint }) => !ok && hint)) return fail(`a hint with another ${at}`, 'none', this.remedy);
    }
    return pass;
  },
};

/** What check says about the settings. */
export const settingsChecks: readonly Check[] = [named];
