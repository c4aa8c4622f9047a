import pino from "pino";
import { pinoHttp } from "pino-http";
import express from "express";

import { createApp } from "./app";

const log = pino();
const port = Number(process.env.PORT ?? 3000);

const root = express();
root.use(pinoHttp({ logger: log }), createApp());
const server = root.listen(port, () => log.info({ port }, "listening"));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => server.close(() => process.exit(0)));
}
