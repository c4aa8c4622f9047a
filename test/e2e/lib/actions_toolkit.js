// SPDX-License-Identifier: Apache-2.0
// actions_toolkit.js CONTEXT TAG: what docker/setup-buildx-action and docker/build-push-action do between
// their inputs and their outputs, by the code that they share. NODE_PATH names the folder it is in. Prints
// what it made of the answers as JSON.
'use strict';
const lib = '@docker/actions-toolkit/lib';
const {Buildx} = require(`${lib}/buildx/buildx`);
const {Builder} = require(`${lib}/buildx/builder`);
const {Build} = require(`${lib}/buildx/build`);
const {BuildKit} = require(`${lib}/buildkit/buildkit`);
const {Docker} = require(`${lib}/docker/docker`);
const {Exec} = require(`${lib}/exec`);

async function main(context, tag) {
	const said = {};
	const buildx = new Buildx();
	const builder = new Builder({buildx});
	const buildkit = new BuildKit({buildx});
	const build = new Build({buildx});
	const exec = async args => {
		const cmd = await buildx.getCommand(args);
		return await Exec.getExecOutput(cmd.command, cmd.args, {ignoreReturnCode: true, silent: true});
	};

	said.standalone = await buildx.isStandalone();
	said.available = await buildx.isAvailable();
	said.version = await buildx.version();
	said.recent = await buildx.versionSatisfies('>=0.31.0');
	if (!said.standalone) said.context = await Docker.context();
	said.before = await builder.exists('builder-1');
	const created = await exec(['create', '--name', 'builder-1', '--driver', 'docker-container', '--buildkitd-flags',
		'--allow-insecure-entitlement security.insecure --allow-insecure-entitlement network.host', '--use']);
	said.created = created.stdout.trim();
	await exec(['inspect', '--bootstrap', '--builder', 'builder-1']);
	said.after = await builder.exists('builder-1');
	said.builder = await builder.inspect('builder-1');
	said.current = (await builder.inspect()).name;
	said.buildkit = await buildkit.versionSatisfies('builder-1', '>=0.11.0');

	process.env.BUILDX_METADATA_WARNINGS = 'true';
	const res = await exec(['build', '--allow', 'network.host,security.insecure', '--iidfile', build.getImageIDFilePath(),
		'--attest', 'type=provenance,mode=max,builder-id=https://ci.example/run/1', '--tag', tag, '--builder', 'builder-1',
		'--metadata-file', build.getMetadataFilePath(), '--push', context]);
	said.status = res.exitCode;
	said.stderr = res.stderr.trim().split('\n').pop();
	const metadata = build.resolveMetadata();
	said.imageid = build.resolveImageID();
	said.digest = build.resolveDigest(metadata);
	said.ref = build.resolveRef(metadata) ?? null;
	said.provenance = build.resolveProvenance(metadata);
	said.warnings = build.resolveWarnings(metadata) ?? null;
	said.names = metadata && metadata['image.name'];

	const failed = await exec(['build', '--tag', tag, `${context}/absent`]);
	said.failed = {status: failed.exitCode, last: failed.stderr.trim().split('\n').pop()};
	said.removed = (await exec(['rm', 'builder-1'])).stderr.trim();
	said.gone = !(await builder.exists('builder-1'));
	console.log(JSON.stringify(said, null, 1));
}

main(...process.argv.slice(2)).catch(e => {
	console.error(e);
	process.exit(1);
});
