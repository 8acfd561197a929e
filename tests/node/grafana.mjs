// Checks a Grafana dashboard (a JSON file) by Grafana's published types: the dashboard, and each panel's options and
// field configuration by the types of its plugin. Prints what the compiler says; exit code 1 when it says anything.
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const board = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const plugins = { timeseries: 'TimeSeries', stat: 'Stat', table: 'Table', 'state-timeline': 'StateTimeline' };
const file = { timeseries: 'timeseries', stat: 'stat', table: 'table', 'state-timeline': 'statetimeline' };
const fieldConfig = new Set(['timeseries', 'table', 'state-timeline']);

const lines = ["import type { Dashboard } from '@grafana/schema';"];
for (const [type, name] of Object.entries(plugins)) {
  lines.push(`import type * as ${name} from '@grafana/schema/dist/esm/raw/composable/${file[type]}/panelcfg/x/${name}PanelCfg_types.gen';`);
}
lines.push(
  // Enums by their values and arrays as read-only, since what is checked is a literal.
  'type Plain<T> = T extends string ? `${T}` : T extends number ? (`${T}` extends `${infer N extends number}` ? N : never) : T extends readonly (infer E)[] ? readonly Plain<E>[] : T extends object ? { readonly [K in keyof T]: Plain<T[K]> } : T;',
  `const board = ${JSON.stringify(board, null, 1)} as const;`,
  'export const checked: Plain<Dashboard> = board;',
);
board.panels.forEach((panel, index) => {
  const name = plugins[panel.type];
  if (!name) return;
  lines.push(`export const options${index}: Plain<Partial<${name}.Options>> = board.panels[${index}].options;`);
  if (fieldConfig.has(panel.type) && panel.fieldConfig.defaults.custom) {
    lines.push(`export const field${index}: Plain<Partial<${name}.FieldConfig>> = board.panels[${index}].fieldConfig.defaults.custom;`);
  }
});

const folder = mkdtempSync(join(tmpdir(), 'board-'));
try {
  symlinkSync(join(here, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'board.ts'), lines.join('\n'));
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022'];
  const compiler = join(here, 'node_modules', '.bin', 'tsc');
  const done = spawnSync(compiler, [...options, join(folder, 'board.ts')], { encoding: 'utf8' });
  process.stdout.write(done.stdout + done.stderr);
  process.exitCode = done.status === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
