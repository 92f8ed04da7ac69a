import { relative } from 'node:path';
import { SyntaxKind, type Node, type SourceFile } from 'typescript/unstable/ast';
import {
  isBinaryExpression,
  isCallExpression,
  isNoSubstitutionTemplateLiteral,
  isParenthesizedExpression,
  isAsExpression,
  isPropertyAccessExpression,
  isStringLiteral,
  isSwitchStatement,
  isTemplateExpression,
} from 'typescript/unstable/ast/is';
import { API } from 'typescript/unstable/sync';

/*
 * Finds where keys of services or municipalities are compared as texts. Two keys may differ and mean the same: an object key
 * holds for its actions, two keys are stated to be equivalent, a municipality has another key than last year. Only the rules in
 * src/contract/keys.ts know that. What is looked at is the type of what is compared, not how it is called.
 */

const keyTypes = /\b(ServiceKey|RegionalKey|MunicipalityKey)\b/;
const equalities: readonly SyntaxKind[] = [
  SyntaxKind.EqualsEqualsToken,
  SyntaxKind.EqualsEqualsEqualsToken,
  SyntaxKind.ExclamationEqualsToken,
  SyntaxKind.ExclamationEqualsEqualsToken,
];
/** Methods that compare what they are given with what they hold. */
const searches = new Set(['includes', 'indexOf', 'lastIndexOf', 'has', 'startsWith', 'endsWith', 'is', 'hasOwn', 'localeCompare']);
/** Methods that give back a part of a text, or the text. */
const parts = new Set(['slice', 'substring', 'substr', 'at', 'toString', 'trim', 'String']);
/** Words that are no key although they stand where one may. */
const noKeys = new Set(['', '*']);
/** Columns of the store that hold keys. */
const columns = /(^|\.)(ars|service_key|municipality)$/;
const equalityInSql = /^(=|==|!=|<>|in|not in|like)$/i;
/** What makes a list of keys complete. */
const ruled = /\b(keysOfMunicipality|keysAnswering|keysOfCity|keyOfCity)\b/;

/** Comparisons in these files, each as `file:line text`. */
export function keyComparisons(root: string, files: readonly string[]): string[] {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProjects: [`${root}/tsconfig.json`] }).getProjects();
    if (!project) throw new Error('tsconfig.json could not be opened');
    const { checker, program } = project;
    const types = new Map<Node, string>();
    const typeOf = (node: Node): string => {
      let name = types.get(node);
      if (name === undefined) {
        const type = checker.getTypeAtLocation(node);
        types.set(node, (name = type ? checker.typeToString(type) : ''));
      }
      return name;
    };
    /** A key, a list of keys, or a part of a key. */
    const isKey = (node: Node): boolean => {
      if (isParenthesizedExpression(node)) return isKey(node.expression);
      if (isAsExpression(node)) return isKey(node.expression) || keyTypes.test(typeOf(node));
      if (isTemplateExpression(node)) return node.head.text === '' && node.templateSpans.some((span) => isKey(span.expression));
      if (isCallExpression(node)) {
        const { expression: called } = node;
        if (isPropertyAccessExpression(called) && parts.has(called.name.text)) return isKey(called.expression);
        if (parts.has(called.getText())) return node.arguments.some(isKey);
      }
      return keyTypes.test(typeOf(node)) && !typeOf(node).startsWith('{') && !typeOf(node).includes('=>');
    };
    const isNoKey = (node: Node) =>
      isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)
        ? noKeys.has(node.text)
        : /^(null|undefined|boolean|number|true|false)$/.test(typeOf(node));

    const compares = (node: Node): boolean => {
      if (isSwitchStatement(node)) return isKey(node.expression);
      if (isBinaryExpression(node)) {
        const { left, right, operatorToken } = node;
        return equalities.includes(operatorToken.kind) && ![left, right].some(isNoKey) && [left, right].some(isKey);
      }
      if (!isCallExpression(node) || !isPropertyAccessExpression(node.expression)) return false;
      const { name, expression: held } = node.expression;
      const [first, operator, value] = node.arguments;
      if (searches.has(name.text))
        return [held, ...node.arguments].some((one) => !isNoKey(one) && isKey(one)) && !(first && isNoKey(first));
      if (!first || !operator || !value || !isStringLiteral(operator) || !equalityInSql.test(operator.text)) return false;
      return ((isStringLiteral(first) && columns.test(first.text)) || isKey(value)) && !ruled.test(value.getText());
    };
    const found = (file: SourceFile, node: Node): string[] => {
      const hits: string[] = [];
      if (compares(node)) {
        const at = isCallExpression(node) && isPropertyAccessExpression(node.expression) ? node.expression.name : node;
        const { line } = file.getLineAndCharacterOfPosition(at.getStart(file));
        hits.push(`${relative(root, file.fileName)}:${line + 1} ${node.getText(file).replaceAll(/\s+/g, ' ').slice(0, 120)}`);
      }
      node.forEachChild((child) => void hits.push(...found(file, child)));
      return hits;
    };
    return files.flatMap((name) => {
      const file = program.getSourceFile(`${root}/${name}`);
      if (!file) throw new Error(`${name} is in no program`);
      return found(file, file);
    });
  } finally {
    api.close();
  }
}
