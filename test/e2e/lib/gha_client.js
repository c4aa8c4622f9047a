// SPDX-License-Identifier: Apache-2.0
// The official client of the cache of GitHub Actions, for entries of any key and version: its public
// functions know only those of its own archives.
//
// usage: gha_client.js NODE_MODULES get|put KEY FILE
//        gha_client.js NODE_MODULES save|restore KEY PATH   (an entry of its own)
"use strict";
const [modules, verb, key, file] = process.argv.slice(2);
const lib = `${modules}/@actions/cache/lib`;
const version = "693bb7016429d80366022f036f84856888c9f13e00145f5f6f4dce303a38d6f2"; // BuildKit's
const fs = require("fs");

async function get() {
	const service = require(`${lib}/internal/shared/cacheTwirpClient`).internalCacheTwirpClient();
	const found = await service.GetCacheEntryDownloadURL({ key, restoreKeys: [], version });
	if (!found.ok) throw new Error("not found");
	await require(`${lib}/internal/cacheHttpClient`).downloadCache(found.signedDownloadUrl, file, {});
	console.log(found.matchedKey);
}

async function put() {
	const service = require(`${lib}/internal/shared/cacheTwirpClient`).internalCacheTwirpClient();
	const place = await service.CreateCacheEntry({ key, version });
	if (!place.ok) throw new Error("not reserved");
	const size = fs.statSync(file).size;
	const options = { useAzureSdk: true, uploadChunkSize: 64 << 20, uploadConcurrency: 8, archiveSizeBytes: size };
	await require(`${lib}/internal/cacheHttpClient`).saveCache(-1, file, place.signedUploadUrl, options);
	const done = await service.FinalizeCacheEntryUpload({ key, version, sizeBytes: `${size}` });
	if (!done.ok) throw new Error("not finalized");
}

const cache = () => require(`${lib}/cache`);
const verbs = {
	get,
	put,
	save: () => cache().saveCache([file], key),
	restore: async () => {
		if ((await cache().restoreCache([file], key)) !== key) throw new Error("not restored");
	},
};
verbs[verb]().catch((e) => {
	console.error(e);
	process.exit(1);
});
