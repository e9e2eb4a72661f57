// judge.mjs FOLDER - validates FOLDER/asyncapi.json and FOLDER/openapi.json with libraries of their
// communities. Prints a line for each fault, and "N passed, M failed" last.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";

const folder = process.argv[2];
const ERROR = 0; // the severity of a diagnostic; 1 is a warning

async function asyncapiFaults() {
    const { document, diagnostics } = await new Parser().parse(readFileSync(`${folder}/asyncapi.json`, "utf8"));
    const faults = diagnostics.filter((one) => one.severity === ERROR);
    if (!document && faults.length === 0) return ["there is no document"];
    return faults.map((one) => `${one.path.join("/")}: ${one.message}`);
}

async function openapiFaults() {
    const validator = new Validator();
    const result = await validator.validate(JSON.parse(readFileSync(`${folder}/openapi.json`, "utf8")));
    if (result.valid && validator.version !== "3.1") return [`the version is ${validator.version}`];
    return result.valid ? [] : [result.errors].flat().map((one) => JSON.stringify(one));
}

let failed = 0;
const checks = { "asyncapi: @asyncapi/parser": asyncapiFaults, "openapi: @seriousme/openapi-schema-validator": openapiFaults };
for (const [name, faultsOf] of Object.entries(checks)) {
    const faults = await faultsOf();
    console.log(`${faults.length === 0 ? "ok    " : "FAILED"} ${name}`);
    for (const fault of faults.slice(0, 20)) console.log(`       ${fault}`);
    if (faults.length > 0) failed++;
}
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
