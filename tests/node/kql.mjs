// Checks KQL with Microsoft's language service: reads {"tables": {table: {column: type}}, "queries": {id: text}} from
// standard input, writes {id: {"errors": [text], "columns": {name: type}}} to standard output.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('@kusto/language-service-next/bridge.min.js'); // sets the globals Bridge and System
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js'); // sets the global Kusto
const language = globalThis.Kusto.Language;

const items = (list) => Array.from({ length: list?.Count ?? 0 }, (_, index) => list.getItem(index));

function globalsWith(tables) {
  const symbols = Object.entries(tables).map(([name, columns]) => {
    const declared = Object.entries(columns).map(([column, type]) => `['${column}']: ${type}`);
    // The overload (name, schema text, description); others take the text for something else and leave the table empty.
    return new language.Symbols.TableSymbol.$ctor7(name, `(${declared.join(', ')})`, null);
  });
  return language.GlobalState.Default.WithDatabase(new language.Symbols.DatabaseSymbol.ctor('workspace', symbols));
}

function check(text, globals) {
  const code = language.KustoCode.ParseAndAnalyze(text, globals);
  const errors = items(code.GetDiagnostics())
    .filter((each) => each.Severity === 'Error')
    .map((each) => `line ${text.slice(0, each.Start).split('\n').length}: ${each.Code} ${each.Message}`);
  const columns = Object.fromEntries(items(code.ResultType?.Columns).map((column) => [column.Name, column.Type.Name]));
  return { errors, columns };
}

const { tables, queries } = JSON.parse(readFileSync(0, 'utf8'));
const globals = globalsWith(tables);
const found = Object.entries(queries).map(([id, text]) => [id, check(text, globals)]);
process.stdout.write(JSON.stringify(Object.fromEntries(found)));
