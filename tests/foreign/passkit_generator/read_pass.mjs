// Opens the files of a pass as passkit-generator does and prints what it understood, as JSON.
// What its validators object to it only warns of: the warnings are its verdict.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { PKPass } from "passkit-generator";

const folder = process.argv[2];
const objections = [];
console.warn = (...words) => objections.push(words.map(String).join(" "));

const files = readdirSync(folder, { recursive: true })
  .map((name) => join(folder, name))
  .filter((path) => statSync(path).isFile());
const pass = new PKPass(
  Object.fromEntries(files.map((path) => [relative(folder, path), readFileSync(path)])),
);
const fields = pass.types.flatMap((type) =>
  ["headerFields", "primaryFields", "secondaryFields", "auxiliaryFields", "backFields"].flatMap(
    (area) => type[area].map((field) => ({ area, ...field })),
  ),
);
const types = pass.types.map(({ type }) => type);
process.stdout.write(JSON.stringify({ types, props: pass.props, fields, objections }));
