// SPDX-License-Identifier: Apache-2.0
// Checks documents against the schemas of their forms: CycloneDX, SPDX, SARIF.
// usage: node validate.js FOLDER-WITH-NODE_MODULES FOLDER-WITH-SCHEMAS FILE...
// Prints a line for each file that is wrong; status 1 then.
'use strict';
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');
const [modules, schemas, ...files] = process.argv.slice(2);
const load = (name) => require(path.join(modules, 'node_modules', name));
const Ajv = load('ajv').default;

function schema(name) {
	return JSON.parse(zlib.gunzipSync(fs.readFileSync(path.join(schemas, name + '.gz'))));
}

function validator(kind) {
	const options = { strict: false, allErrors: true, unicodeRegExp: false };
	const ajv = kind === 'sarif' ? new (load('ajv-draft-04').default)(options) : new Ajv(options);
	load('ajv-formats').default(ajv);
	if (kind === 'sarif') {
		const at = 'node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json';
		const sarif = JSON.parse(fs.readFileSync(path.join(modules, at)));
		return ajv.compile(sarif);
	}
	load('ajv-formats-draft2019')(ajv);
	if (kind === 'spdx')
		return ajv.compile(schema('spdx-2.3.json'));
	for (const name of ['spdx.schema.json', 'jsf-0.82.schema.json', 'cryptography-defs.schema.json'])
		ajv.addSchema(schema(name));
	return ajv.compile(schema('bom-' + kind + '.schema.json'));
}

// What a schema does not say: references name what is there, names are there once.
function loose_ends(kind, doc) {
	const wrong = [];
	if (kind === 'spdx') {
		const ids = ['SPDXRef-DOCUMENT', ...doc.packages.map((p) => p.SPDXID)];
		if (new Set(ids).size !== ids.length)
			wrong.push('an SPDXID is there twice');
		for (const r of doc.relationships)
			for (const id of [r.spdxElementId, r.relatedSpdxElement])
				if (!ids.includes(id))
					wrong.push('no ' + id);
	} else if (kind === 'sarif') {
		for (const run of doc.runs)
			for (const r of run.results)
				if (run.tool.driver.rules[r.ruleIndex].id !== r.ruleId)
					wrong.push('rule ' + r.ruleIndex + ' is not ' + r.ruleId);
	} else {
		const refs = [doc.metadata.component, ...doc.components].map((c) => c['bom-ref']);
		if (new Set(refs).size !== refs.length)
			wrong.push('a bom-ref is there twice');
		const known = new Set(refs);
		const named = doc.dependencies.flatMap((d) => [d.ref, ...d.dependsOn]);
		for (const v of doc.vulnerabilities || [])
			named.push(...v.affects.map((a) => a.ref));
		for (const ref of named)
			if (!known.has(ref))
				wrong.push('no ' + ref);
	}
	return wrong;
}

let status = 0;
const compiled = {};
for (const file of files) {
	const doc = JSON.parse(fs.readFileSync(file));
	const kind = doc.spdxVersion ? 'spdx' : doc.bomFormat ? doc.specVersion : 'sarif';
	compiled[kind] = compiled[kind] || validator(kind);
	const valid = compiled[kind](doc);
	const wrong = (valid ? [] : compiled[kind].errors.map((e) => e.instancePath + ' ' + e.message))
		.concat(valid ? loose_ends(kind, doc) : []);
	for (const w of wrong.slice(0, 10))
		console.log(path.basename(file) + ': ' + w);
	if (wrong.length)
		status = 1;
}
process.exit(status);
