// checks.mjs - counts what is right and tells what is wrong; compares values with ../forms.json.
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

const forms = JSON.parse(readFileSync(new URL('forms.json', import.meta.url)));

const basic = {
    string: (value) => typeof value === 'string',
    int: (value) => Number.isSafeInteger(value),
    bool: (value) => typeof value === 'boolean',
    object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

// What is wrong with `value`, as a list of texts; a form is a name of forms.json or of `basic`,
// "X[]" is a list of X, "X|null" may be null, "/.../" is a pattern.
export function faults(form, value, path = '') {
    if (form.startsWith('/')) {
        const ok = typeof value === 'string' && new RegExp(form.slice(1, -1)).test(value);
        return ok ? [] : [`${path}: ${JSON.stringify(value)} does not match ${form}`];
    }
    if (form.endsWith('|null')) return value === null ? [] : faults(form.slice(0, -5), value, path);
    if (form.endsWith('[]')) {
        if (!Array.isArray(value)) return [`${path}: is not a list`];
        return value.flatMap((item, i) => faults(form.slice(0, -2), item, `${path}/${i}`));
    }
    if (basic[form]) return basic[form](value) ? [] : [`${path}: is not of type ${form}`];
    return typeof forms[form] === 'string'
        ? faults(forms[form], value, path)
        : memberFaults(form, value, path);
}

function memberFaults(form, value, path) {
    if (!basic.object(value)) return [`${path}: is no ${form}`];
    const found = [];
    const known = new Set();
    for (const [key, inner] of Object.entries(forms[form])) {
        const name = key.replace(/\?$/, '');
        known.add(name);
        if (name in value) found.push(...faults(inner, value[name], `${path}/${name}`));
        else if (name === key) found.push(`${path}/${name}: is missing`);
    }
    for (const name of Object.keys(value)) {
        if (!known.has(name)) found.push(`${path}/${name}: is not in the form of ${form}`);
    }
    return found;
}

export class Checks {
    passed = 0;
    failed = 0;

    ok(condition, what) {
        if (condition) {
            this.passed++;
            return;
        }
        this.failed++;
        console.log(`FAILED  ${what}`);
    }

    same(found, expected, what) {
        this.ok(
            isDeepStrictEqual(found, expected),
            `${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`,
        );
    }

    form(form, value, what) {
        const found = faults(form, value);
        this.ok(found.length === 0, `${what} is no ${form}: ${found.join('; ')}`);
    }

    // A good answer with data of this form; gives the data.
    done(answer, form, status, what) {
        this.same(answer.status, status, `status of ${what}`);
        this.form('Answer', answer.body, what);
        this.same(answer.body.ok, true, `ok of ${what} (${answer.text})`);
        this.same(answer.properties.contentType, 'application/json', `content type of ${what}`);
        this.form(form, answer.body.data, `data of ${what}`);
        if (!answer.body.ok) throw new Error(`the journey ends at ${what}: ${answer.text}`);
        return answer.body.data;
    }

    // A refusal with this code; gives the error.
    refused(answer, code, status, what) {
        this.same(answer.status, status, `status of ${what}`);
        this.form('Refusal', answer.body, what);
        this.same(answer.body.ok, false, `ok of ${what}`);
        this.same(answer.body.error?.code, code, `code of ${what}`);
        return answer.body.error ?? {};
    }
}
